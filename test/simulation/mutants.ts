import type { Log, TransactionalProducer } from "../../runtime/log/port.ts";
import type { Mutation } from "../../runtime/testing/simulation/simulated-cluster.ts";
import type { Commit } from "../../runtime/worker/commit.ts";
import { commit } from "../../runtime/worker/commit.ts";

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
};

let unique = 0;

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
