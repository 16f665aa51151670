import type { LogAccess, PartitionOffset, TopicPartition } from "../log/port.ts";

/** How far a group has read a partition. Counts markers: positions do. */
export interface InputPosition extends TopicPartition {
  /** The next offset that the group reads: committed, or the start of the partition. */
  readonly position: number;
  /** Under read_committed. */
  readonly endOffset: number;
  readonly lag: number;
}

/** In the order of the question. */
export async function inputPositions(
  log: LogAccess,
  groupId: string,
  inputs: readonly TopicPartition[],
): Promise<readonly InputPosition[]> {
  const ends = await log.listOffsets(inputs, "latest", "read_committed");
  const positions = byPartition(await log.committedOffsets(groupId, inputs));
  const unread = inputs.filter((input) => !positions.has(keyOf(input)));
  const starts = unread.length === 0 ? [] : await log.listOffsets(unread, "earliest", "read_committed");
  for (const [key, offset] of byPartition(starts)) positions.set(key, offset);
  return ends.map(({ topic, partition, offset: endOffset }) => {
    const position = positions.get(keyOf({ topic, partition }))!;
    return { topic, partition, position, endOffset, lag: Math.max(0, endOffset - position) };
  });
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

const byPartition = (offsets: readonly PartitionOffset[]): Map<string, number> =>
  new Map(offsets.map((each) => [keyOf(each), each.offset]));
