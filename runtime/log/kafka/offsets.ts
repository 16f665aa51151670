import type { CommittedOffset, Isolation, OffsetSpec, PartitionOffset, TopicPartition } from "../port.ts";
import { kindOf } from "./broker-errors.ts";
import type { Connections } from "./connections.ts";
import type { Coordinators } from "./coordinators.ts";
import type { Directory } from "./directory.ts";
import { byTopic, keyOf } from "./grouping.ts";
import { isolationLevel } from "./protocol/fetch.ts";
import { type Patience, retrying } from "./retry.ts";

export interface OffsetServices {
  readonly connections: Connections;
  readonly directory: Directory;
  readonly coordinators: Coordinators;
  readonly patience: Patience;
}

const LATEST = -1;
const EARLIEST = -2;
const CONSUMER = -1;

/** In the order of the question. @throws {MulgilError} LOG_UNKNOWN_TOPIC, LOG_UNKNOWN_PARTITION */
export async function listOffsets(
  services: OffsetServices,
  partitions: readonly TopicPartition[],
  spec: OffsetSpec,
  isolation: Isolation,
): Promise<readonly PartitionOffset[]> {
  await services.directory.require(partitions);
  const timestamp = spec === "earliest" ? EARLIEST : spec === "latest" ? LATEST : spec.atOrAfterMs;
  const found = await listed(services, partitions, timestamp, isolation);
  // Nothing is as young as that: reading starts at the end.
  const none = partitions.filter((where) => found.get(keyOf(where)) === undefined);
  const ends = none.length === 0 ? new Map<string, number>() : await listed(services, none, LATEST, isolation);
  return partitions.map(({ topic, partition }) => {
    const key = keyOf({ topic, partition });
    return { topic, partition, offset: found.get(key) ?? ends.get(key)! };
  });
}

async function listed(
  { connections, directory, patience }: OffsetServices,
  partitions: readonly TopicPartition[],
  timestamp: number,
  isolation: Isolation,
): Promise<ReadonlyMap<string, number>> {
  return await retrying(patience, "list offsets", async () => {
    try {
      const found = new Map<string, number>();
      for (const [leader, own] of await directory.byLeader(partitions)) {
        const topics = byTopic(own, ({ partition }) => ({ partition, timestamp }));
        const request = { replicaId: CONSUMER, isolationLevel: isolationLevel(isolation), topics };
        const { responses } = await connections.to(leader, (requests) => requests.listOffsets(request));
        for (const { topic, partitions: answers } of responses) {
          for (const { partition, offset } of answers)
            if (Number(offset) >= 0) found.set(keyOf({ topic, partition }), Number(offset));
        }
      }
      return found;
    } catch (error) {
      if (kindOf(error) !== "final") directory.forget(partitions.map(({ topic }) => topic));
      throw error;
    }
  });
}

/** Partitions without a committed offset are left out. */
export async function committedOffsets(
  { connections, coordinators }: OffsetServices,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly CommittedOffset[]> {
  if (partitions.length === 0) return [];
  const topics = byTopic(partitions, ({ partition }) => ({ partition }));
  const { responses } = await coordinators.ask(
    connections,
    "group",
    groupId,
    `read the committed offsets of group "${groupId}"`,
    (requests) => requests.offsetFetch({ groupId, topics }),
  );
  return responses.flatMap(({ topic, partitions: answers }) =>
    answers
      .filter(({ offset }) => Number(offset) >= 0)
      .map(({ partition, offset, metadata }) => ({
        topic,
        partition,
        offset: Number(offset),
        metadata: metadata ?? "",
      })),
  );
}
