import { expect } from "vitest";
import { Addresses, Connections } from "../../../runtime/log/kafka/connections.ts";
import { linkFactory } from "../../../runtime/log/kafka/kafka-connection.ts";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";

/** Of kafkajs's Broker, and nothing that Mulgil itself needs. */
interface CreatePartitions {
  createPartitions(request: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[];
  }): Promise<unknown>;
}

/** Gives a topic more partitions, as its owner could at any time. Resolves when new clients see them. */
export async function addPartitions(bootstrap: string, topic: string, count: number): Promise<void> {
  const brokers = bootstrap.split(",");
  const connections = new Connections(linkFactory({ brokers }), new Addresses());
  const log = new KafkaLog({ connection: { brokers } });
  try {
    await connections.any((requests) =>
      (requests as unknown as CreatePartitions).createPartitions({ topicPartitions: [{ topic, count }] }),
    );
    const partitions = async () =>
      (await log.describeTopics()).find((described) => described.topic === topic)?.partitions;
    await expect.poll(partitions).toBe(count);
  } finally {
    await connections.close();
    await log.close();
  }
}
