import { MemoryLevel } from "memory-level";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Job } from "../dsl/define-job.ts";
import type { TopicDefinition, TopicKey, TopicValue } from "../dsl/topic.ts";
import { readStore, type StoredEntry } from "../operators/read-store.ts";
import { compile } from "../plan/compile.ts";
import { CallResources } from "../worker/call-resources.ts";
import { commit } from "../worker/commit.ts";
import { DEAD_LETTER_HEADERS } from "../worker/dead-letter.ts";
import { type JobRuntime, prepareJob } from "../worker/job-runtime.ts";
import { DrivenTask } from "./driven-task.ts";
import { LoopbackLog } from "./loopback-log.ts";
import { ManualClock } from "./manual-clock.ts";
import { TopicCodec } from "./topic-codec.ts";

export interface TestDriverOptions {
  /** Where the wall clock starts. @default 2026-01-01T00:00:00Z */
  readonly startMs?: number;
  /** "pipe": every pipe and advance ends with a commit. "manual": `commit()` says when. @default "pipe" */
  readonly commitAfter?: "pipe" | "manual";
}

export interface PipeOptions<K> {
  /** Needed where the key is not a field of the value. */
  readonly key?: K;
  /** The record's timestamp. @default the wall clock */
  readonly timestampMs?: number;
  readonly headers?: Readonly<Record<string, Buffer>>;
}

export interface OutputRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
}

export interface DeadLetter {
  readonly code: string;
  readonly message: string;
  readonly step: string;
  /** The source record's, byte for byte. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

interface Parts {
  readonly clock: ManualClock;
  readonly runtime: JobRuntime;
  readonly registry: SchemaRegistry;
  readonly log: LoopbackLog;
  readonly tasks: readonly DrivenTask[];
  readonly commitAfter: "pipe" | "manual";
}

/** After so many turns of the event loop without one that ends, calls wait for the clock or for something outside. */
const QUIET_TURNS = 10;

/**
 * Runs a job in memory, with one partition, under a clock that stands still: pipe records in, read what comes out.
 * Only `pipe` moves stream time; only `advanceTo` moves the wall clock. Calls end when their handlers do: those that wait for the clock when it moves, those
 * that wait for something outside in a later `pipe`, `advanceTo` or `commit`. Everything is real but the log and the disk: the same serdes,
 * operators, stores and commit as in a worker.
 * @example
 * const driver = await TestDriver.open(job);
 * await driver.pipe(payments, { customerId: "c1", amount: 5 });
 * expect(await driver.read(spending)).toEqual([{ key: "c1", value: { total: 5 }, timestampMs: 0 }]);
 */
export class TestDriver {
  readonly #parts: Parts;
  readonly #codecs = new Map<string, TopicCodec>();
  readonly #readUpTo = new Map<string, number>();

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws {DefinitionError} if the job has mistakes */
  static async open(job: Job, options: TestDriverOptions = {}): Promise<TestDriver> {
    const plan = compile(job);
    const registry = await openEmbeddedRegistry(new MemoryLevel());
    const partitionCounts = new Map(plan.topics.map(({ topic }) => [topic, 1]));
    const runtime = await prepareJob({ job, plan, partitionCounts, registry });
    const clock = new ManualClock(options.startMs);
    const log = new LoopbackLog();
    const calls = new CallResources({ runtime, worker: "test", clock });
    const environment = { clock, commit, onEvent: () => undefined, calls: calls.steps };
    const tasks = await Promise.all(
      plan.subTopologies.map((subTopology) => DrivenTask.open({ runtime, subTopology, environment, log })),
    );
    return new TestDriver({ clock, runtime, registry, log, tasks, commitAfter: options.commitAfter ?? "pipe" });
  }

  /** The wall clock, in ms. */
  get nowMs(): number {
    return this.#parts.clock.now();
  }

  /** Records that came after all their windows had closed. */
  get late(): number {
    return this.#parts.runtime.metrics.late;
  }

  /** Writes one record to a source topic and processes it, and all that follows from it. A null value is a tombstone. */
  async pipe<T extends TopicDefinition>(
    topic: T,
    value: TopicValue<T> | null,
    options: PipeOptions<TopicKey<T>> = {},
  ): Promise<void> {
    const { plan } = this.#parts.runtime;
    if (!plan.topics.some((planned) => planned.topic === topic.name && planned.role === "source")) {
      throw new MulgilError(`the job does not read "${topic.name}": pipe into one of its sources`, {
        code: "TEST_TOPIC",
        context: { topic: topic.name },
      });
    }
    const codec = await this.#codec(topic);
    const record = codec.encode(value, { ...options, timestampMs: options.timestampMs ?? this.nowMs });
    this.#parts.log.append({ topic: topic.name, partition: 0, records: [record] });
    await this.#settle();
  }

  /** What has been written to a topic since it was last read. With `commitAfter: "manual"`, only what a commit has made visible. */
  async read<T extends TopicDefinition>(topic: T): Promise<readonly OutputRecord<TopicKey<T>, TopicValue<T>>[]> {
    const codec = await this.#codec(topic);
    const records = this.#unread(topic.name);
    return await Promise.all(
      records.map(
        async (record) =>
          ({ ...(await codec.decode(record)), timestampMs: record.timestampMs }) as OutputRecord<
            TopicKey<T>,
            TopicValue<T>
          >,
      ),
    );
  }

  /** The dead letters since they were last read. */
  deadLetters(): readonly DeadLetter[] {
    return this.#unread(this.#parts.runtime.plan.dlqTopic).map(({ key, value, headers }) => {
      const header = (name: string) => headers?.[name]?.toString() ?? "";
      return {
        code: header(DEAD_LETTER_HEADERS.code),
        message: header(DEAD_LETTER_HEADERS.message),
        step: header(DEAD_LETTER_HEADERS.step),
        key,
        value,
      };
    });
  }

  /** The live entries of a store, by its name in the plan: a step's name, or `<step>.<store>` for `process`. */
  async store(name: string): Promise<readonly StoredEntry[]> {
    for (const { stores } of this.#parts.tasks) {
      const found = stores.get(name);
      if (found === undefined) continue;
      const node = this.#parts.runtime.nodes.get(found.planned.node)!;
      return await Array.fromAsync(readStore({ ...found, node }));
    }
    const names = this.#parts.tasks.flatMap(({ stores }) => [...stores.keys()]);
    throw new MulgilError(
      `there is no store "${name}": the job has ${names.length === 0 ? "none" : names.join(", ")}`,
      { code: "TEST_STORE" },
    );
  }

  /** Moves the wall clock to a time; timers on the wall fire. Stream time stays. */
  async advanceTo(wallClockMs: number): Promise<void> {
    this.#parts.clock.advanceTo(wallClockMs);
    for (const task of this.#parts.tasks) await task.advanceWallClock();
    await this.#settle();
  }

  /** Commits: results that wait for it come out. */
  async commit(): Promise<void> {
    for (let moved = true; moved; ) {
      for (const task of this.#parts.tasks) await task.commit();
      moved = await this.#advance();
    }
  }

  async #settle(): Promise<void> {
    await this.#advance();
    if (this.#parts.commitAfter === "pipe") await this.commit();
  }

  async #advance(): Promise<boolean> {
    let moved = false;
    for (const task of this.#parts.tasks) moved = (await task.advance()) || moved;
    return (await this.#settleCalls()) || moved;
  }

  /** Lets calls end that wait for nothing but their own promises. @returns whether any did */
  async #settleCalls(): Promise<boolean> {
    const { tasks } = this.#parts;
    const underWay = () => tasks.reduce((sum, { task }) => sum + task.callsUnderWay, 0);
    let moved = false;
    for (let quiet = 0; quiet < QUIET_TURNS && underWay() > 0; quiet++) {
      const before = underWay();
      await new Promise((resolve) => setImmediate(resolve));
      for (const task of tasks) if (await task.advance()) quiet = 0;
      if (underWay() === before) continue;
      moved = true;
      quiet = 0;
    }
    return moved;
  }

  #unread(topic: string) {
    const records = this.#parts.log.from(topic, this.#readUpTo.get(topic) ?? 0);
    this.#readUpTo.set(topic, this.#parts.log.endOffset(topic));
    return records;
  }

  async #codec(topic: TopicDefinition): Promise<TopicCodec> {
    let codec = this.#codecs.get(topic.name);
    if (codec === undefined) {
      codec = await TopicCodec.open(topic, this.#parts.registry);
      this.#codecs.set(topic.name, codec);
    }
    return codec;
  }
}
