import type { TopicDefinition, TopicKey, TopicValue } from "mulgil";
import { InvariantError } from "mulgil";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";

/** A visible record; the value of a tombstone is null. */
export interface Read<T extends TopicDefinition> {
  readonly partition: number;
  readonly offset: number;
  readonly key: TopicKey<T>;
  readonly value: TopicValue<T>;
}

/** Everything visible in a topic that can be decoded, by partition and offset. */
export async function readTopic<T extends TopicDefinition>(
  cluster: SimulatedCluster,
  topic: T,
): Promise<readonly Read<T>[]> {
  const codec = await TopicCodec.open(topic, cluster.registry);
  const { partitions } = (await cluster.log.describeTopics()).find((found) => found.topic === topic.name)!;
  const all: Read<T>[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (const record of await readPartition(cluster.log, { topic: topic.name, partition })) {
      if (isPoison(record.value)) continue;
      all.push({ partition, offset: record.offset, ...(await codec.decode(record)) } as Read<T>);
    }
  }
  return all;
}

/** The values of a workload's poison records begin with this, and are no Avro. */
export const POISON = "poison";

const isPoison = (value: Buffer | null): boolean => value?.subarray(0, POISON.length).toString() === POISON;

export const fail = (what: string): never => {
  throw new InvariantError(what);
};
