import { expect } from "vitest";
import { Addresses, Connections } from "../../../runtime/log/kafka/connections.ts";
import { linkFactory } from "../../../runtime/log/kafka/kafka-connection.ts";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";
import type { CleanupPolicy, TopicDescription } from "../../../runtime/log/port.ts";

const TOPIC_RESOURCE = 2;

/** Of kafkajs's Broker, and nothing that Mulgil itself needs. */
interface Alterations {
  createPartitions(request: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[];
  }): Promise<unknown>;
  alterConfigs(request: {
    readonly resources: readonly {
      readonly type: number;
      readonly name: string;
      readonly configEntries: readonly { readonly name: string; readonly value: string }[];
    }[];
  }): Promise<unknown>;
}

/** Gives a topic more partitions, as its owner could at any time. Resolves when new clients see them. */
export async function addPartitions(bootstrap: string, topic: string, count: number): Promise<void> {
  await alter(
    bootstrap,
    (requests) => requests.createPartitions({ topicPartitions: [{ topic, count }] }),
    (found) => found.topic === topic && found.partitions === count,
  );
}

/** Sets the policy, and leaves nothing else set for the topic. */
export async function setCleanupPolicy(bootstrap: string, topic: string, policy: CleanupPolicy): Promise<void> {
  const configEntries = [{ name: "cleanup.policy", value: policy }];
  await alter(
    bootstrap,
    (requests) => requests.alterConfigs({ resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }] }),
    (found) => found.topic === topic && found.config.cleanupPolicy === policy,
  );
}

async function alter(
  bootstrap: string,
  ask: (requests: Alterations) => Promise<unknown>,
  isDone: (found: TopicDescription) => boolean,
): Promise<void> {
  const brokers = bootstrap.split(",");
  const connections = new Connections(linkFactory({ brokers }), new Addresses());
  const log = new KafkaLog({ connection: { brokers } });
  try {
    await connections.any((requests) => ask(requests as unknown as Alterations));
    await expect.poll(async () => (await log.describeTopics()).some(isDone)).toBe(true);
  } finally {
    await connections.close();
    await log.close();
  }
}
