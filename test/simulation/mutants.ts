import type { Log, TransactionalProducer } from "../../runtime/log/port.ts";
import type { Mutation } from "../../runtime/testing/simulation/simulated-cluster.ts";
import type { Commit } from "../../runtime/worker/commit.ts";
import { commit } from "../../runtime/worker/commit.ts";
import { streamTimeKey } from "../../state/key-layout.ts";
import type { ChangelogRecord, Store } from "../../state/store.ts";

/** Mulgil with one mistake each. The simulator must find every one of them. */
export const mutants: Readonly<Record<string, Mutation>> = {
  "commits the offsets before the outputs": {
    commit: (options) => {
      if (options.path.delivery !== "exactly-once") return commit(options);
      const { producer, groupId } = options.path;
      const first = async () => {
        await producer.begin();
        await producer.sendOffsets(groupId, options.offsets);
        await producer.commit();
      };
      return commit({
        ...options,
        offsets: [],
        path: { ...options.path, producer: { ...bound(producer), begin: () => first().then(() => producer.begin()) } },
      });
    },
  },
  "commits the outputs before the offsets": {
    commit: (options) => {
      if (options.path.delivery !== "exactly-once") return commit(options);
      const { producer, groupId } = options.path;
      const afterwards = async () => {
        await producer.commit();
        await producer.begin();
        await producer.sendOffsets(groupId, options.offsets);
        await producer.commit();
      };
      return commit({
        ...options,
        path: {
          ...options.path,
          producer: { ...bound(producer), sendOffsets: async () => undefined, commit: afterwards },
        },
      });
    },
  },
  "writes the overlay to the disk before the log has it": { commit: overlayFirst },
  "leaves the changelog out of the transaction": {
    commit: (options) => {
      if (options.path.delivery !== "exactly-once") return commit(options);
      const { producer } = options.path;
      const isChangelog = (topic: string) => topic.endsWith(".changelog");
      const produce: TransactionalProducer["produce"] = async (batches) => {
        const first = await producer.produce(batches.filter(({ topic }) => !isChangelog(topic)));
        let next = 0;
        return batches.map(({ topic }) => (isChangelog(topic) ? 0 : first[next++]!));
      };
      return commit({ ...options, path: { ...options.path, producer: { ...bound(producer), produce } } });
    },
  },
  "does not fence the former owner": {
    log: (log) => ({
      ...whole(log),
      openTransactionalProducer: (id) => log.openTransactionalProducer(`${id}-${unique++}`),
    }),
  },
  "reads offsets and changelogs before it fences the former owner": {
    log: (log) => ({
      ...whole(log),
      openTransactionalProducer: async (id) => openedLate(() => log.openTransactionalProducer(id)),
    }),
  },
  "restores what was never committed": {
    log: (log) => ({
      ...whole(log),
      openReader: () => log.openReader({ isolation: "read_uncommitted" }),
      listOffsets: (partitions, spec) => log.listOffsets(partitions, spec, "read_uncommitted"),
    }),
  },
  "forgets where it was": {
    log: (log) => ({ ...whole(log), committedOffsets: async () => [] }),
  },
  "goes on from the newest record instead of the committed offset": {
    log: (log) => ({
      ...whole(log),
      committedOffsets: async (group, partitions) => {
        const ends = await log.listOffsets(partitions, "latest", "read_committed");
        const committed = await log.committedOffsets(group, partitions);
        return committed.map((entry) => ({
          ...entry,
          offset: ends.find(({ topic, partition }) => topic === entry.topic && partition === entry.partition)!.offset,
        }));
      },
    }),
  },
  "takes a lost answer for a success": {
    commit: (options) => {
      if (options.path.delivery !== "exactly-once") return commit(options);
      const { producer } = options.path;
      return commit({
        ...options,
        path: {
          ...options.path,
          producer: { ...bound(producer), commit: () => producer.commit().catch(() => undefined) },
        },
      });
    },
  },
  "at-least-once, commits the offsets before the outputs": {
    commit: (options) => {
      const { path } = options;
      if (path.delivery !== "at-least-once") return commit(options);
      let isCommitted: Promise<void> | undefined;
      const early = () => (isCommitted ??= path.commitOffsets(options.offsets));
      const produce: typeof path.log.produce = (batches) => early().then(() => path.log.produce(batches));
      return commit({ ...options, path: { ...path, log: { produce }, commitOffsets: early } });
    },
  },
  "at-least-once, logs that it has sent before it sends": {
    commit: (options) => {
      const { path, outputs } = options;
      if (path.delivery !== "at-least-once") return commit(options);
      const commitOffsets: typeof path.commitOffsets = async (offsets) => {
        if (outputs.length > 0) await path.log.produce(outputs);
        await path.commitOffsets(offsets);
      };
      return commit({ ...options, outputs: [], path: { ...path, commitOffsets } });
    },
  },
  "keeps no stream time in the changelog": withChanges((changes) =>
    changes.filter(({ key }) => !key.equals(streamTimeKey)),
  ),
  "does not log that a timer has fired": withChanges((changes, store) =>
    changes.filter(({ value }) => value !== null || !store.endsWith(".timers.wall")),
  ),
  "does not log tables": withChanges((changes, store) => (store === "profiles" ? [] : changes)),
  "sends dead letters outside the transaction": {
    log: (log) => ({
      ...whole(log),
      openTransactionalProducer: async (id) => {
        const producer = await log.openTransactionalProducer(id);
        const isLetter = (topic: string) => topic.endsWith(".dlq");
        const produce: TransactionalProducer["produce"] = async (batches) => {
          const letters = batches.filter(({ topic }) => isLetter(topic));
          if (letters.length > 0) await log.produce(letters);
          const first = await producer.produce(batches.filter(({ topic }) => !isLetter(topic)));
          let next = 0;
          return batches.map(({ topic }) => (isLetter(topic) ? 0 : first[next++]!));
        };
        return { ...bound(producer), produce };
      },
    }),
  },
};

let unique = 0;

type Changes = readonly ChangelogRecord[];

/** Commits something else than what the stores have changed; their disks are right. */
function withChanges(change: (changes: Changes, store: string) => Changes): Mutation {
  const changed = (store: Store) =>
    new Proxy(store, {
      get(target, name) {
        if (name === "seal") return () => change(target.seal(), target.name);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return {
    commit: (options) =>
      commit({ ...options, stores: options.stores.map((entry) => ({ ...entry, store: changed(entry.store) })) }),
  };
}

function bound(producer: TransactionalProducer): TransactionalProducer {
  return {
    begin: () => producer.begin(),
    produce: (batches) => producer.produce(batches),
    sendOffsets: (...args) => producer.sendOffsets(...args),
    commit: () => producer.commit(),
    abort: () => producer.abort(),
    close: () => producer.close(),
  };
}

/** A producer that initialises its id when it is first used. */
function openedLate(open: () => Promise<TransactionalProducer>): TransactionalProducer {
  let producer: Promise<TransactionalProducer> | undefined;
  const opened = () => (producer ??= open());
  return {
    begin: async () => (await opened()).begin(),
    produce: async (batches) => (await opened()).produce(batches),
    sendOffsets: async (...args) => (await opened()).sendOffsets(...args),
    commit: async () => (await opened()).commit(),
    abort: async () => (await opened()).abort(),
    close: async () => (await producer)?.close(),
  };
}

const whole = (log: Log): Log => ({ ...log });

/** Seals, writes the disk with the checkpoint that the changelog would reach, and only then writes the log. */
function overlayFirst(options: Commit): Promise<void> {
  const { path } = options;
  if (path.delivery !== "exactly-once") return commit(options);
  const sealed = options.stores.map(({ store, changelog, incarnation }) => ({
    store,
    changelog,
    incarnation,
    changes: store.seal(),
  }));
  const nowMs = options.clock.now();
  const early = async () => {
    for (const { store, changes, incarnation } of sealed) {
      const nextOffset = (store.checkpoint?.nextOffset ?? 0) + changes.length;
      await store.applySealed({ nextOffset, incarnation, writtenAtMs: nowMs });
    }
    await path.producer.begin();
    const batches = sealed
      .filter(({ changes }) => changes.length > 0)
      .map(({ changelog, changes }) => ({
        ...changelog,
        records: changes.map((change) => ({ ...change, timestampMs: nowMs })),
      }));
    await path.producer.produce([...options.outputs, ...batches]);
    await path.producer.sendOffsets(path.groupId, options.offsets);
    await path.producer.commit();
  };
  return early();
}
