import { setImmediate as nextTurn } from "node:timers/promises";
import { MemoryLevel } from "memory-level";
import type { Job, JobEvent, TopicDefinition, TopicKey, TopicValue } from "mulgil";
import { memoryLog } from "../../runtime/log/embedded/memory-log.ts";
import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { FetchedRecord, Log, ProducerRecord } from "../../runtime/log/port.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { commit } from "../../runtime/worker/commit.ts";
import { type JobsRun, type RunJobsOptions, runJobs } from "../../runtime/worker/run-jobs.ts";
import type { WorkerEnvironment } from "../../runtime/worker/worker-environment.ts";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { StateDisk } from "../../state/disk.ts";
import { memoryDisk } from "../../state/memory-disk.ts";

type HarnessOptions = Partial<Omit<RunJobsOptions, "environment">> & {
  readonly environment?: Partial<RunJobsOptions["environment"]>;
};

/** A log and a registry, in memory if none are given, on the real clock, and jobs that run on them. */
export async function openHarness(disk: StateDisk = memoryDisk(), given?: Log, givenRegistry?: SchemaRegistry) {
  const log = given ?? (await memoryLog({ clock: systemClock, random: Math.random }));
  const registry = givenRegistry ?? (await openEmbeddedRegistry(new MemoryLevel()));
  const events: JobEvent[] = [];
  const codecs = new Map<string, TopicCodec>();
  const codecOf = async (topic: TopicDefinition) => {
    let codec = codecs.get(topic.name);
    if (codec === undefined) {
      codec = await TopicCodec.open(topic, registry);
      codecs.set(topic.name, codec);
    }
    return codec;
  };
  const partitionsOf = async (topic: string) =>
    (await log.describeTopics()).find((found) => found.topic === topic)!.partitions;

  const environment: WorkerEnvironment = {
    ...{ log, disk, commit, clock: systemClock, location: "here" },
    turn: () => nextTurn(),
    onEvent: (event) => void events.push(event),
  };

  return {
    log,
    registry,
    events,
    environment,
    async createTopic(topic: string, partitions: number) {
      await log.ensureTopics([
        { topic, partitions, config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } },
      ]);
    },
    async produce<T extends TopicDefinition>(
      topic: T,
      values: readonly (TopicValue<T> | null)[],
      options: { readonly key?: TopicKey<T>; readonly timestampMs?: number } = {},
    ) {
      const codec = await codecOf(topic);
      const count = await partitionsOf(topic.name);
      const batches = Map.groupBy(
        values.map((value) => codec.encode(value, { timestampMs: systemClock.now(), ...options })),
        ({ key }) => (key === null ? 0 : partitionOf(key, count)),
      );
      await log.produce([...batches].map(([partition, records]) => ({ topic: topic.name, partition, records })));
    },
    async produceRaw(topic: string, record: ProducerRecord) {
      await log.produce([{ topic, partition: 0, records: [record] }]);
    },
    async read<T extends TopicDefinition>(
      topic: T,
    ): Promise<{ key: TopicKey<T>; value: TopicValue<T>; timestampMs: number }[]> {
      const codec = await codecOf(topic);
      const records = await this.readRaw(topic.name);
      return await Promise.all(
        records.map(async (record) => ({
          ...((await codec.decode(record)) as { key: TopicKey<T>; value: TopicValue<T> }),
          timestampMs: record.timestampMs,
        })),
      );
    },
    async readRaw(topic: string): Promise<FetchedRecord[]> {
      const all: FetchedRecord[] = [];
      for (let partition = 0; partition < (await partitionsOf(topic)); partition++)
        all.push(...(await readPartition(log, { topic, partition })));
      return all;
    },
    start(jobs: readonly Job[], options: HarnessOptions = {}): Promise<JobsRun> {
      return runJobs(jobs, {
        registry,
        ...options,
        environment: { ...environment, ...options.environment },
      });
    },
    /** Runs jobs until they are idle, then stops them. */
    async runUntilIdle(jobs: readonly Job[], options: HarnessOptions = {}) {
      const run = await this.start(jobs, options);
      await run.untilIdle();
      const status = await run.status();
      await run.stop();
      return status;
    },
  };
}
