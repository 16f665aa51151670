import { setImmediate as nextTurn } from "node:timers/promises";
import { MemoryLevel } from "memory-level";
import type { CallOptions } from "../../runtime/dsl/call.ts";
import { defineJob, type Job } from "../../runtime/dsl/define-job.ts";
import { topic } from "../../runtime/dsl/topic.ts";
import { memoryLog } from "../../runtime/log/embedded/memory-log.ts";
import type { Log, ProducerRecord } from "../../runtime/log/port.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { Tracer } from "../../runtime/trace/tracer.ts";
import { commit } from "../../runtime/worker/commit.ts";
import { type JobsRun, runJobs } from "../../runtime/worker/run-jobs.ts";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { memoryDisk } from "../../state/memory-disk.ts";

/** What an institution is asked for. */
export interface Request {
  readonly orderKey: string;
  readonly institution: string;
  /** Counted from zero within its order key. */
  readonly sequence: number;
  /** performance.now() at which it is due by the schedule. */
  readonly dueMs: number;
}

export type Calling = CallOptions<string, Request, Request>;

const PARTITIONS = 8;

const requestSchema: Schema<Request> = {
  avro: {
    type: "record",
    name: "Request",
    fields: [
      { name: "orderKey", type: "string" },
      { name: "institution", type: "string" },
      { name: "sequence", type: "int" },
      { name: "dueMs", type: "double" },
    ],
  },
};
const requests = topic("bench.requests", { value: requestSchema, key: "orderKey" });
const results = topic("bench.results", { value: requestSchema, key: "orderKey" });

export interface Bench {
  /** Puts requests into the topic; keys lie evenly over the partitions, by their number. */
  write(requests: Iterable<readonly [keyNumber: number, request: Request]>): Promise<void>;
  start(): Promise<JobsRun>;
}

/** A job that calls for each request, with one worker, on a log and a disk in memory. */
export const callingJob = (calling: Calling): Job =>
  defineJob({
    name: "bench",
    version: 1,
    flow: (from) => void from(requests).call("fetch", calling).to(results),
  });

/** The same job without a call. */
export const mappingJob = (mapped: () => void): Job =>
  defineJob({
    name: "bench",
    version: 1,
    flow: (from) =>
      void from(requests)
        .map((request) => {
          mapped();
          return request;
        })
        .to(results),
  });

export async function openBench(job: Job, tracer?: Tracer): Promise<Bench> {
  const log = await memoryLog({ clock: systemClock, random: Math.random });
  const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
  const codec = await TopicCodec.open(requests, registry);
  await log.ensureTopics(
    [requests.name, results.name].map((name) => ({
      topic: name,
      partitions: PARTITIONS,
      config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 },
    })),
  );
  return {
    write: (all) => write(log, codec, all),
    start: () => start(job, log, registry, tracer),
  };
}

const WRITTEN_AT_ONCE = 1_000;

async function write(
  log: Log,
  codec: TopicCodec,
  all: Iterable<readonly [keyNumber: number, request: Request]>,
): Promise<void> {
  const timestampMs = systemClock.now();
  const partitions: ProducerRecord[][] = Array.from({ length: PARTITIONS }, () => []);
  for (const [keyNumber, request] of all)
    partitions[keyNumber % PARTITIONS]!.push(codec.encode(request, { timestampMs }));
  for (const [partition, records] of partitions.entries()) {
    for (let from = 0; from < records.length; from += WRITTEN_AT_ONCE)
      await log.produce([{ topic: requests.name, partition, records: records.slice(from, from + WRITTEN_AT_ONCE) }]);
  }
}

const start = (job: Job, log: Log, registry: SchemaRegistry, tracer: Tracer | undefined): Promise<JobsRun> =>
  runJobs([job], {
    registry,
    environment: {
      ...{ log, commit, disk: memoryDisk(), clock: systemClock, location: "bench", tracer },
      turn: () => nextTurn(),
      onEvent: (event) => {
        if (event.kind === "deadLetter") throw new Error(`a dead letter: ${event.code}`);
      },
    },
  });

/** Waits until all is committed, and stops. Fails if there are not so many results. */
export async function finish(run: JobsRun, records: number): Promise<void> {
  await run.untilIdle();
  const [status] = await run.status();
  await run.stop();
  if (status?.recordsOut !== records) throw new Error(`${status?.recordsOut} results of ${records} requests`);
}

/** So many requests of one institution: each key has as many, in turn. */
export function* evenRequests(options: {
  readonly keys: number;
  readonly records: number;
}): Generator<readonly [number, Request]> {
  const { keys, records } = options;
  for (let n = 0; n < records; n++) {
    const key = n % keys;
    yield [key, { orderKey: `customer-${key}`, institution: "bank", sequence: Math.floor(n / keys), dueMs: 0 }];
  }
}
