import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { Isolation, TransactionalProducer } from "../port.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { openEmbeddedLog } from "./open-embedded-log.ts";

/** Read_committed against a model that knows nothing of markers, epochs or offsets. */

const TOPIC = "model";
const PARTITIONS = 2;
const IDS = ["one", "two", "three"] as const;
const TIMEOUT_MS = 1000;

type Step =
  | { readonly kind: "plain"; readonly partition: number }
  | { readonly kind: "produce"; readonly id: number; readonly partition: number }
  | { readonly kind: "commit" | "abort" | "open" | "zombie"; readonly id: number }
  | { readonly kind: "timeout" | "crash" | "check" };

const partition = fc.nat(PARTITIONS - 1);
const id = fc.nat(IDS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("produce" as const), id, partition }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("plain" as const), partition }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("commit", "abort", "open", "zombie"), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("timeout", "crash", "check") }) },
);

interface ModelTransaction {
  status: "open" | "committed" | "aborted";
}

class Run {
  clock = new ManualClock();
  readonly database = new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
  readonly stored: { readonly value: string; readonly transaction: ModelTransaction | undefined }[][] = [[], []];
  readonly producers: (TransactionalProducer | undefined)[] = [];
  readonly zombies: (TransactionalProducer | undefined)[] = [];
  readonly open: (ModelTransaction | undefined)[] = [];
  /** Calls on their way: those of different owners overlap. */
  readonly busy: Promise<unknown>[] = IDS.map(() => Promise.resolve());
  readonly plain: Promise<unknown>[] = [];
  log!: EmbeddedLog;
  #count = 0;

  async start(): Promise<void> {
    this.log = await openEmbeddedLog({
      ...{ database: this.database, clock: this.clock, transactionTimeoutMs: TIMEOUT_MS, random: () => 0.5 },
      tailCacheBytesMax: 2000,
    });
    const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 0 } as const;
    await this.log.ensureTopics([{ topic: TOPIC, partitions: PARTITIONS, config }]);
  }

  async take(next: Step): Promise<void> {
    if (next.kind === "plain") {
      const { value, batch } = this.#newRecord(next.partition);
      this.stored[next.partition]!.push({ value, transaction: undefined });
      this.plain.push(this.log.produce([batch]));
      return;
    }
    if (!("id" in next)) {
      await this.settle();
      if (next.kind === "timeout") this.#timeOut();
      else if (next.kind === "crash") await this.#crash();
      return this.check();
    }
    await this.busy[next.id];
    if (next.kind === "open") return this.#openProducer(next.id);
    if (next.kind === "zombie") return this.#pokeZombie(next.id);
    if (next.kind === "produce") return this.#produce(next.id, next.partition);
    this.#end(next.id, next.kind);
  }

  async settle(): Promise<void> {
    await Promise.all([...this.busy, ...this.plain]);
  }

  async check(): Promise<void> {
    await this.settle();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const all = this.stored[partition]!;
      const firstOpen = all.findIndex(({ transaction }) => transaction?.status === "open");
      const stable = firstOpen === -1 ? all : all.slice(0, firstOpen);
      const visible = stable.filter(({ transaction }) => transaction?.status !== "aborted");
      expect(await this.#read(partition, "read_committed")).toEqual(visible.map(({ value }) => value));
      expect(await this.#read(partition, "read_uncommitted")).toEqual(all.map(({ value }) => value));
      const { openTransactions, lastStableOffset, endOffset } = this.log.inspect.partition(TOPIC, partition);
      expect(openTransactions.length > 0).toBe(firstOpen !== -1);
      expect(lastStableOffset < endOffset).toBe(firstOpen !== -1);
    }
  }

  #newRecord(partition: number) {
    const value = `v${this.#count++}`;
    const records = [{ key: null, value: Buffer.from(value), timestampMs: 0 }];
    return { value, batch: { topic: TOPIC, partition, records } };
  }

  async #openProducer(id: number): Promise<void> {
    const left = this.open[id];
    if (left !== undefined) left.status = "aborted";
    this.open[id] = undefined;
    this.zombies[id] = this.producers[id] ?? this.zombies[id];
    this.producers[id] = await this.log.openTransactionalProducer(IDS[id]!);
  }

  async #produce(id: number, partition: number): Promise<void> {
    const producer = this.producers[id];
    if (producer === undefined) return;
    if (this.open[id] === undefined) {
      await producer.begin();
      this.open[id] = { status: "open" };
    }
    const { value, batch } = this.#newRecord(partition);
    this.stored[partition]!.push({ value, transaction: this.open[id] });
    this.busy[id] = producer.produce([batch]);
  }

  #end(id: number, kind: "commit" | "abort"): void {
    const transaction = this.open[id];
    const producer = this.producers[id];
    if (transaction === undefined || producer === undefined) return;
    transaction.status = kind === "commit" ? "committed" : "aborted";
    this.open[id] = undefined;
    this.busy[id] = producer[kind]();
  }

  async #pokeZombie(id: number): Promise<void> {
    const { batch } = this.#newRecord(0);
    const zombie = this.zombies[id];
    if (zombie === undefined) return;
    for (const call of [
      () => zombie.begin(),
      () => zombie.produce([batch]),
      () => zombie.commit(),
      () => zombie.abort(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "LOG_FENCED", name: "TaskMigratedError" });
    }
  }

  #timeOut(): void {
    this.clock.advance(TIMEOUT_MS);
    for (const [id, transaction] of this.open.entries()) {
      if (transaction === undefined) continue;
      transaction.status = "aborted";
      this.zombies[id] = this.producers[id];
      this.producers[id] = undefined;
      this.open[id] = undefined;
    }
  }

  /** Opens the database again without closing the log: producers are gone, their transactions stay open. */
  async #crash(): Promise<void> {
    // The timers of the dead process are gone with it.
    this.clock = new ManualClock(this.clock.now());
    this.producers.fill(undefined);
    this.zombies.fill(undefined);
    await this.start();
  }

  async #read(partition: number, isolation: Isolation): Promise<string[]> {
    const reader = await this.log.openReader({ isolation });
    reader.assign([{ topic: TOPIC, partition, offset: 0 }]);
    const values: string[] = [];
    for (;;) {
      const batches = await reader.poll(0);
      if (batches.length === 0) break;
      for (const { records } of batches) values.push(...records.map(({ value }) => `${value}`));
    }
    await reader.close();
    return values;
  }
}

it("shows read_committed readers exactly what a naive model of transactions allows", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const run = new Run();
      await run.start();
      for (const next of steps) await run.take(next);
      await run.check();
    }),
    { numRuns: 150 },
  );
});
