import type { CommittedOffset, LogAccess, PartitionOffset, TopicPartition } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { readMetadata } from "../../worker/commit-metadata.ts";
import { type HeadRecord, headRecords } from "./head-records.ts";

/** How far a group is with a partition, and what it would read next. */
export interface InputFacts extends TopicPartition {
  /** The next offset that the group reads: committed, or the start of the partition. */
  readonly position: number;
  /** Who set it: a commit of the job, somebody else (a tool, a person), or nobody yet. */
  readonly setBy: "job" | "others" | "nobody";
  readonly startOffset: number;
  /** Under read_committed. */
  readonly endOffset: number;
  /** Behind everything, also what is in open transactions. */
  readonly highWatermark: number;
  /** Counts markers: positions do. */
  readonly lag: number;
  /** The oldest record that the group has not committed; undefined if there is none, or it could not be read in time. */
  readonly head: HeadRecord | undefined;
}

const HEADS_WAIT_MAX_MS = 5_000;

/** In the order of the question, with a few requests for all. */
export async function inputFacts(
  log: LogAccess,
  groupId: string,
  inputs: readonly TopicPartition[],
  clock: Clock,
): Promise<readonly InputFacts[]> {
  if (inputs.length === 0) return [];
  const [starts, ends, all, committed] = await Promise.all([
    log.listOffsets(inputs, "earliest", "read_committed"),
    log.listOffsets(inputs, "latest", "read_committed"),
    log.listOffsets(inputs, "latest", "read_uncommitted"),
    log.committedOffsets(groupId, inputs),
  ]);
  const positions = new Map(committed.map((each) => [keyOf(each), each]));
  const found = inputs.map(({ topic, partition }, index) => {
    const own = positions.get(keyOf({ topic, partition }));
    const startOffset = starts[index]!.offset;
    const position = own?.offset ?? startOffset;
    const endOffset = ends[index]!.offset;
    return {
      ...{ topic, partition, position, setBy: setBy(own), startOffset, endOffset },
      highWatermark: all[index]!.offset,
      lag: Math.max(0, endOffset - position),
    };
  });
  const heads = await headRecords({
    ...{ log, clock, isolation: "read_committed", waitMaxMs: HEADS_WAIT_MAX_MS },
    positions: found.filter(({ lag }) => lag > 0).map(firstThere),
  });
  const headOf = new Map(heads.map((head) => [keyOf(head), head]));
  return found.map((each) => ({ ...each, head: headOf.get(keyOf(each)) }));
}

/** What lies before the start is gone. */
const firstThere = (input: Pick<InputFacts, "topic" | "partition" | "position" | "startOffset">): PartitionOffset => ({
  topic: input.topic,
  partition: input.partition,
  offset: Math.max(input.position, input.startOffset),
});

/** Commits of jobs are counted; a tool knows nothing of that. */
function setBy(committed: CommittedOffset | undefined): InputFacts["setBy"] {
  if (committed === undefined) return "nobody";
  return readMetadata(committed).sequence > 0 ? "job" : "others";
}

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
