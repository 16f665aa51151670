import type { LogAccess, PartitionOffset, ProduceBatch } from "../../../runtime/log/port.ts";
import type { CommitPath } from "../../../runtime/worker/commit.ts";

/** Where a commit can be hit. There are no sent offsets that are not committed under at-least-once. */
export const commitPoints = {
  "exactly-once": ["before the log", "records written", "offsets sent", "log written"],
  "at-least-once": ["before the log", "records written", "log written"],
} as const;
export type CommitPoint = (typeof commitPoints)["exactly-once"][number];

/** What was put into a partition. */
export interface WrittenBatch extends PartitionOffset {
  readonly records: number;
}

type Pass = (point: CommitPoint, written: readonly WrittenBatch[]) => void;

/** The path of one commit, which tells of each point behind the first where it is, before anything else can happen. */
export function watchedPath(path: CommitPath, pass: Pass): CommitPath {
  const written: WrittenBatch[] = [];
  const watchedProduce = (log: Pick<LogAccess, "produce">) => async (batches: readonly ProduceBatch[]) => {
    const firstOffsets = await log.produce(batches);
    for (const [index, { topic, partition, records }] of batches.entries())
      written.push({ topic, partition, offset: firstOffsets[index]!, records: records.length });
    pass("records written", written);
    return firstOffsets;
  };
  if (path.delivery === "at-least-once") {
    return {
      ...path,
      log: { produce: watchedProduce(path.log) },
      async commitOffsets(offsets) {
        await path.commitOffsets(offsets);
        pass("log written", written);
      },
    };
  }
  const { producer } = path;
  return {
    ...path,
    producer: {
      begin: () => producer.begin(),
      produce: watchedProduce(producer),
      async sendOffsets(groupId, offsets) {
        await producer.sendOffsets(groupId, offsets);
        pass("offsets sent", written);
      },
      async commit() {
        await producer.commit();
        pass("log written", written);
      },
      abort: () => producer.abort(),
      close: () => producer.close(),
    },
  };
}
