import { ConfigError, defineJob, type Issue } from "mulgil";
import { describe, expect, it } from "vitest";
import type { TopicSpec } from "../../runtime/log/port.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const DAY_MS = 86_400_000;
const verify = { topics: "verify" } as const;
const compacted = { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 7 * DAY_MS } as const;
const kept = { ...compacted, cleanupPolicy: "delete" } as const;
const changelog: TopicSpec = { topic: "byId.byId.changelog", partitions: 2, config: compacted };
const repartition: TopicSpec = { topic: "byId.byId.repartition", partitions: 2, config: kept };
const others: readonly TopicSpec[] = [
  { topic: payments.name, partitions: 2, config: kept },
  { topic: totals.name, partitions: 1, config: { ...kept, retentionMs: DAY_MS } },
  { topic: "byId.dlq", partitions: 1, config: kept },
  { topic: "mulgil.plans", partitions: 1, config: { ...compacted, deleteRetentionMs: DAY_MS } },
];

const issuesOf = (attempt: Promise<unknown>): Promise<readonly Issue[]> =>
  attempt.then(
    () => [],
    (error: unknown) => (error instanceof ConfigError ? error.issues : Promise.reject(error)),
  );

describe("a start that only verifies topics", () => {
  it("tells all that are missing at once, with the commands that make them, and makes none", async () => {
    const harness = await openHarness();
    const issues = await issuesOf(harness.start([totalsById()], verify));
    expect(issues.map(({ code }) => code)).toEqual(Array.from({ length: 6 }, () => "TOPIC_MISSING"));
    const text = issues.map(({ message }) => message).join("\n");
    for (const topic of [payments.name, totals.name, "byId.dlq", "mulgil.plans", repartition.topic])
      expect(text).toContain(`kafka-topics.sh --create --topic ${topic} --partitions`);
    expect(text).toContain(
      `--topic ${changelog.topic} --partitions 4 --config cleanup.policy=compact --config retention.ms=-1 --config retention.bytes=-1 --config delete.retention.ms=604800000 --config message.timestamp.type=CreateTime --config max.message.bytes=16777216 --config max.compaction.lag.ms=604800000`,
    );
    expect(await harness.log.describeTopics()).toEqual([]);
  });

  it("runs where all are there, and leaves their configuration as it is", async () => {
    const harness = await openHarness();
    const all = [...others, changelog, repartition];
    await harness.log.ensureTopics(all);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    await harness.runUntilIdle([totalsById()], verify);
    expect(await harness.read(totals)).toHaveLength(1);
    const found = new Map((await harness.log.describeTopics()).map((topic) => [topic.topic, topic]));
    for (const { topic, config } of all) expect(found.get(topic)?.config).toEqual(config);
  });

  it.each([
    ["keeps its records for too short", repartition, { retentionMs: DAY_MS }, "retention.ms 86400000 instead of -1"],
    ["is compacted and must not be", repartition, { cleanupPolicy: "compact" }, "cleanup.policy=delete'"],
    ["is not compacted", changelog, { cleanupPolicy: "delete" }, "cleanup.policy delete instead of compact"],
    ["forgets tombstones early", changelog, { deleteRetentionMs: DAY_MS }, "delete.retention.ms=604800000'"],
  ] as const)("refuses a topic of the job that %s", async (_, spec, config, expected) => {
    const harness = await openHarness();
    const all = [...others, changelog, repartition].filter(({ topic }) => topic !== spec.topic);
    await harness.log.ensureTopics([...all, { ...spec, config: { ...spec.config, ...config } }]);
    const issues = await issuesOf(harness.start([totalsById()], verify));
    expect(issues).toMatchObject([{ code: "TOPIC_CONFIG", message: expect.stringContaining(expected) }]);
    expect(issues[0]!.message).toContain(`kafka-configs.sh --alter --entity-type topics --entity-name ${spec.topic}`);
  });

  it("refuses another number of partitions together with what is missing", async () => {
    const harness = await openHarness();
    await harness.log.ensureTopics([...others, { ...changelog, partitions: 3 }]);
    const issues = await issuesOf(harness.start([totalsById()], verify));
    expect(issues.map(({ code }) => code).sort()).toEqual(["TOPIC_MISSING", "TOPIC_PARTITIONS"]);
  });

  it("deletes no changelog of a store that may be forgotten, and says that it must go", async () => {
    const harness = await openHarness();
    await harness.log.ensureTopics([...others, changelog, repartition]);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    await harness.runUntilIdle([totalsById()], verify);
    const without = defineJob({
      name: "byId",
      version: 2,
      flow: (from) => void from(payments).peek(() => undefined),
    });
    const dropping = { ...verify, droppedStores: ["byId"] };
    expect(await issuesOf(harness.start([without], dropping))).toMatchObject([
      {
        code: "TOPIC_FORGOTTEN",
        message: expect.stringContaining(`kafka-topics.sh --delete --topic ${changelog.topic}`),
      },
    ]);
    expect((await harness.log.describeTopics()).map(({ topic }) => topic)).toContain(changelog.topic);
    await harness.log.deleteTopic(changelog.topic);
    await harness.runUntilIdle([without], dropping);
  });
});
