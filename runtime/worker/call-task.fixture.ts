import { MemoryLevel } from "memory-level";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import type { KeyValueStore } from "../../state/store.ts";
import type { CallOptions } from "../dsl/call.ts";
import { defineJob, type Job } from "../dsl/define-job.ts";
import { topic } from "../dsl/topic.ts";
import type { CommittedOffset, FetchedRecord, ProduceBatch, ProducerRecord } from "../log/port.ts";
import { openPlannedStore } from "../operators/open-store.ts";
import { compile } from "../plan/compile.ts";
import type { CallInputsEntry } from "../resilience/call-inputs-entry.ts";
import type { WaitingOrders } from "../resilience/waiting-orders.ts";
import { LoopbackLog } from "../testing/loopback-log.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { TopicCodec } from "../testing/topic-codec.ts";
import type { Tracer } from "../trace/tracer.ts";
import { CallResources } from "./call-resources.ts";
import { commit } from "./commit.ts";
import { DEAD_LETTER_HEADERS } from "./dead-letter.ts";
import type { JobMetrics } from "./job-metrics.ts";
import { type JobRuntime, prepareJob } from "./job-runtime.ts";
import { Task } from "./task.ts";

export interface Request {
  readonly id: string;
  readonly customer: string;
  readonly bank: string;
}

export const requestSchema: Schema<Request> = {
  avro: {
    type: "record",
    name: "Request",
    fields: ["id", "customer", "bank"].map((name) => ({ name, type: "string" })),
  },
};
export const requests = topic("test.requests", { value: requestSchema, key: "customer" });
export const results = topic("test.results", { value: requestSchema, key: "customer" });
export const endings = topic("test.endings", { value: requestSchema, key: "customer" });

/** Calls for each request; what ends otherwise than by success says how. */
export const callingJob = (options: Omit<CallOptions<string, Request, Request>, "resource">): Job =>
  defineJob({
    name: "caller",
    version: 1,
    flow(from) {
      const called = from(requests).call("fetch", { resource: ({ bank }) => bank, ...options });
      called.to(results);
      called.dead.map(({ value, code }) => ({ ...value, id: `${value.id} ${code}` })).to(endings);
      called.superseded.map((value) => ({ ...value, id: `${value.id} superseded` })).to(endings);
      called.erased.map((value) => ({ ...value, id: `${value.id} erased` })).to(endings);
    },
  });

async function prepared(job: Job, registry: SchemaRegistry): Promise<JobRuntime> {
  const plan = compile(job);
  const partitionCounts = new Map(plan.topics.map((planned) => [planned.topic, 1]));
  return await prepareJob({ job, plan, partitionCounts, registry });
}

export interface CallTaskOptions {
  readonly tracer?: Tracer;
  /** Topics of records to be processed once more. */
  readonly replays?: readonly string[];
  /** @default one in memory */
  readonly registry?: SchemaRegistry;
}

/** The one task of such a job, over a log and a disk that outlive it. */
export class CallTask {
  readonly clock = new ManualClock();
  readonly log = new LoopbackLog();
  /** Of the task's group; a test may set them. */
  readonly committed = new Map<string, CommittedOffset>();
  task!: Task;
  waitingOrders!: WaitingOrders;
  stores!: ReadonlyMap<string, KeyValueStore<unknown, unknown>>;
  /** What each commit wrote to changelogs. */
  readonly changelogs: ProduceBatch[] = [];
  readonly #disk = memoryDisk();
  #runtime: JobRuntime;
  readonly #codec: TopicCodec;
  readonly #fedUpTo = new Map<string, number>();

  readonly #tracer: Tracer | undefined;
  readonly #replays: readonly string[];

  private constructor(runtime: JobRuntime, codec: TopicCodec, { tracer, replays = [] }: CallTaskOptions) {
    this.#replays = replays;
    this.#runtime = runtime;
    this.#codec = codec;
    this.#tracer = tracer;
  }

  static async open(job: Job, options: CallTaskOptions = {}): Promise<CallTask> {
    const registry = options.registry ?? (await openEmbeddedRegistry(new MemoryLevel()));
    const runtime = await prepared(job, registry);
    const opened = new CallTask(runtime, await TopicCodec.open(requests, registry), options);
    await opened.#start();
    return opened;
  }

  /** The task dies and starts again: what no commit covers is gone. */
  async restart(): Promise<void> {
    await this.task.close();
    await this.#start();
  }

  /** Its process dies: it knows no schema any more but those that it writes. */
  async restartKnowing(registry: SchemaRegistry): Promise<void> {
    await this.task.close();
    this.#runtime = await prepared(this.#runtime.job, registry);
    await this.#start();
  }

  async #start(): Promise<void> {
    const { plan, nodes, keyCodecs } = this.#runtime;
    const subTopology = plan.subTopologies[0]!;
    const resources = new CallResources({ runtime: this.#runtime, worker: "test", clock: this.clock });
    this.waitingOrders = resources.steps.get("fetch")!.waitingOrders;
    const stores = await Promise.all(
      subTopology.stores.map(async (planned) => {
        const database = await this.#disk.open(`caller/${planned.name}`);
        const node = nodes.get(planned.node)!;
        const store = await openPlannedStore({ planned, node, database, keyCodec: keyCodecs.get(planned.node)! });
        if (store.checkpoint === undefined)
          await store.restore([], { nextOffset: 0, incarnation: "test", writtenAtMs: this.clock.now() });
        await store.finishRestore();
        return { store, changelog: { topic: planned.changelog, partition: 0 }, incarnation: "test" };
      }),
    );
    this.stores = new Map(stores.map(({ store }) => [store.name, store as KeyValueStore<unknown, unknown>]));
    const positions = [...subTopology.sources, ...this.#replays].map((name) => {
      const found = this.committed.get(name);
      const offset = found?.offset ?? 0;
      this.#fedUpTo.set(name, offset);
      const isCommitted = found === undefined || found.metadata !== "";
      return { topic: name, partition: 0, offset, incarnation: "test", isCommitted };
    });
    this.task = new Task({
      ...{ id: "requests_0", runtime: this.#runtime, subTopology, partition: 0, stores, positions, commitSequence: 0 },
      environment: {
        clock: this.clock,
        commit,
        tracer: this.#tracer,
        onEvent: () => undefined,
        calls: resources.steps,
      },
      path: {
        delivery: "at-least-once",
        log: {
          produce: async (batches) => {
            this.changelogs.push(...batches.filter((batch) => batch.topic.endsWith(".changelog")));
            return batches.map((batch) => this.log.append(batch));
          },
        },
        commitOffsets: async (offsets) => {
          for (const offset of offsets) this.committed.set(offset.topic, offset);
        },
      },
    });
    await this.task.settled();
  }

  async send(...ids: string[]): Promise<void> {
    for (const id of ids) this.append(requests.name, this.encoded(id));
    await this.settle();
  }

  encoded(id: string, bank = "one"): ProducerRecord {
    return this.#codec.encode({ id, customer: id[0]!, bank }, { timestampMs: this.clock.now() });
  }

  append(name: string, ...records: ProducerRecord[]): void {
    this.log.append({ topic: name, partition: 0, records });
  }

  /** Processes what has come, and lets calls end that wait for nothing but promises. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 8; quiet++) {
      if (await this.#advance()) quiet = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #advance(): Promise<boolean> {
    let hasMoved = false;
    for (const { topic: name } of this.task.inputs) {
      const records = this.log.from(name, this.#fedUpTo.get(name)!);
      if (records.length === 0) continue;
      const endOffset = this.log.endOffset(name);
      await this.task.accept({ topic: name, partition: 0, records, nextOffset: endOffset, endOffset });
      this.#fedUpTo.set(name, endOffset);
      hasMoved = true;
    }
    await this.task.settled();
    while ((await this.task.process(1_000)) > 0) hasMoved = true;
    return hasMoved;
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  get metrics(): JobMetrics {
    return this.#runtime.metrics;
  }

  async commit(): Promise<void> {
    await this.task.beginCommit();
    await this.task.settled();
    await this.settle();
  }

  /** Ids of what was written to an output. */
  async read(name: string): Promise<string[]> {
    const decoded = await Promise.all(this.log.from(name, 0).map((record) => this.#codec.decode(record)));
    return decoded.map(({ value }) => (value as Request).id);
  }

  get deadLetters(): readonly { readonly record: FetchedRecord; readonly headers: Readonly<Record<string, string>> }[] {
    return this.log.from(this.#runtime.plan.dlqTopic, 0).map((record) => ({
      record,
      headers: Object.fromEntries(
        Object.entries(DEAD_LETTER_HEADERS).flatMap(([name, header]) => {
          const value = record.headers?.[header];
          return value === undefined ? [] : [[name, value.toString()]];
        }),
      ),
    }));
  }

  async entries(store: string): Promise<(readonly [unknown, unknown])[]> {
    return await Array.fromAsync(this.stores.get(`fetch.${store}`)!.entries());
  }

  async inputEntries(): Promise<ReadonlyMap<string, CallInputsEntry>> {
    return new Map((await this.entries("inputs")) as [string, CallInputsEntry][]);
  }
}
