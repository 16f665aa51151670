import type { TopicPartition } from "../port.ts";

/** The shape of most of Kafka's requests: partitions under their topic. */
export function byTopic<P extends TopicPartition, R>(
  partitions: readonly P[],
  map: (partition: P) => R,
): { readonly topic: string; readonly partitions: R[] }[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    partitions: own.map(map),
  }));
}

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
