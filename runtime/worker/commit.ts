import type { ChangelogRecord, Checkpoint, Store } from "../../state/store.ts";
import { invariant } from "../errors/errors.ts";
import type { CommittedOffset, LogAccess, ProduceBatch, TopicPartition, TransactionalProducer } from "../log/port.ts";
import type { Clock } from "../time/clock.ts";

/** A store of a task, with the changelog partition that backs it. */
export interface CommittedStore {
  readonly store: Store;
  readonly changelog: TopicPartition;
  readonly incarnation: string;
  /** It says what of the input the others hold: where there is no transaction, it must not be durable before them. */
  readonly isLast?: boolean;
}

/** How the outputs, the changelog and the offsets reach the log. */
export type CommitPath =
  | { readonly delivery: "exactly-once"; readonly producer: TransactionalProducer; readonly groupId: string }
  | {
      readonly delivery: "at-least-once";
      readonly log: Pick<LogAccess, "produce">;
      readonly commitOffsets: (offsets: readonly CommittedOffset[]) => Promise<void>;
    };

export interface Commit {
  readonly path: CommitPath;
  readonly outputs: readonly ProduceBatch[];
  readonly stores: readonly CommittedStore[];
  /** The next offset of every input whose position has moved or must be confirmed. */
  readonly offsets: readonly CommittedOffset[];
  readonly clock: Clock;
}

/** Seals before it returns; resolves when the commit is on disk. */
export type CommitFunction = (options: Commit) => Promise<void>;

/** A checkpoint of a store that never changes is written anew this often, lest it look too old to be trusted. */
const CHECKPOINT_REFRESH_MS = 3_600_000;

/**
 * The order of durability of a task, here and nowhere else:
 *
 *   1. seal     the overlays, so that processing goes on above them          (in memory)
 *   2. log      outputs + changelog + offsets: one transaction, or one after the other with acks=all
 *   3. disk     the sealed overlay and its changelog position, one atomic batch per store
 *
 * So the disk is never ahead of the log. A crash before the end of 2 loses nothing: the input is read again. A crash before the end of 3 loses
 * nothing: the start replays the changelog from the checkpoint. Sealing happens before this returns to the caller; the rest is awaited.
 * If it rejects, the caller must drop the task (both overlays with it) and start it again from the log.
 */
export function commit(options: Commit): Promise<void> {
  const sealed = options.stores.map((entry) => ({ ...entry, changes: entry.store.seal() }));
  const nowMs = options.clock.now();
  const changelogs = sealed
    .filter(({ changes }) => changes.length > 0)
    .toSorted((left, right) => Number(left.isLast ?? false) - Number(right.isLast ?? false));
  const lastCount = changelogs.filter(({ isLast }) => isLast).length;
  const batches = changelogs.map(({ changelog, changes }) => changelogBatch(changelog, changes, nowMs));
  return writeToLog(options, batches, lastCount).then(async (firstOffsets) => {
    const nextOffsets = new Map(
      changelogs.map(({ store, changes }, index) => [store, firstOffsets[index]! + changes.length]),
    );
    await Promise.all(
      sealed.map(({ store, incarnation }) =>
        writeToDisk(store, { nextOffset: nextOffsets.get(store), incarnation, nowMs }),
      ),
    );
  });
}

/** Returns the first offsets of the changelog batches, of which the last ones may have to wait for the others. */
async function writeToLog(
  { path, outputs, offsets }: Commit,
  changelogs: readonly ProduceBatch[],
  lastCount: number,
): Promise<readonly number[]> {
  if (path.delivery === "at-least-once") {
    // A state that says "sent" (a closed window, a timer that has fired) must not outlive a crash that its output did not.
    if (outputs.length > 0) await path.log.produce(outputs);
    const firstOffsets: number[] = [];
    const split = changelogs.length - lastCount;
    for (const batches of [changelogs.slice(0, split), changelogs.slice(split)])
      if (batches.length > 0) firstOffsets.push(...(await path.log.produce(batches)));
    await path.commitOffsets(offsets);
    return firstOffsets;
  }
  const { producer, groupId } = path;
  const batches = [...outputs, ...changelogs];
  await producer.begin();
  const firstOffsets = batches.length === 0 ? [] : await producer.produce(batches);
  await producer.sendOffsets(groupId, offsets);
  await producer.commit();
  return firstOffsets.slice(outputs.length);
}

async function writeToDisk(
  store: Store,
  written: { readonly nextOffset: number | undefined; readonly incarnation: string; readonly nowMs: number },
): Promise<void> {
  const before = store.checkpoint;
  const nextOffset = written.nextOffset ?? before?.nextOffset;
  invariant(nextOffset !== undefined, `store "${store.name}" runs without a checkpoint`);
  invariant(
    before === undefined || nextOffset >= before.nextOffset,
    `the checkpoint of store "${store.name}" would move back`,
  );
  const checkpoint: Checkpoint = { nextOffset, incarnation: written.incarnation, writtenAtMs: written.nowMs };
  const fresh =
    before !== undefined &&
    written.nextOffset === undefined &&
    written.nowMs - before.writtenAtMs < CHECKPOINT_REFRESH_MS;
  await store.applySealed(fresh ? before : checkpoint);
}

/** Changelog records carry the time of writing, because brokers expire by it; the event time is in the value. */
function changelogBatch(changelog: TopicPartition, changes: readonly ChangelogRecord[], nowMs: number): ProduceBatch {
  return { ...changelog, records: changes.map(({ key, value }) => ({ key, value, timestampMs: nowMs })) };
}
