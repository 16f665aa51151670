import { writeFileSync } from "node:fs";
import path from "node:path";
import { openDataDirectory } from "../../../runtime/log/embedded/data-directory.ts";
import { partitionOf } from "../../../runtime/log/partitioner.ts";
import type { LogAccess, ProducerRecord } from "../../../runtime/log/port.ts";
import { systemClock } from "../../../runtime/time/system-clock.ts";
import { keySerde } from "../../../schemas/key-serde.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import { createValueSerde } from "../../../schemas/value-serde.ts";
import { mulgil, objectsIn, type RunningCommand, startMulgil, temporaryFolder } from "./mulgil.ts";

const ORDER = {
  ...{ type: "record", name: "Order", topic: "orders", key: "id", partitions: 3 },
  fields: [
    { name: "id", type: "string" },
    { name: "amount", type: "string" },
    { name: "day", type: "string" },
  ],
};

/** Books orders; what it cannot read is a dead letter. */
const JOB = `
  import { defineJob, type Schema, TerminalError, topic } from "mulgil";
  type Order = { readonly id: string; readonly amount: string; readonly day: string };
  const order = { avro: ${JSON.stringify(ORDER)} } as Schema<Order>;
  const booking = {
    avro: {
      type: "record",
      name: "Booking",
      fields: [{ name: "id", type: "string" }, { name: "cents", type: "long" }, { name: "day", type: "string" }],
    },
  } as Schema<{ id: string; cents: number; day: string }>;
  export default defineJob({
    name: "bookings",
    version: 1,
    delivery: "exactly-once",
    commitEvery: "100 ms",
    flow(from) {
      from(topic("orders", { value: order, key: "id" }))
        .map(({ id, amount, day }) => {
          if (!/^\\d+\\.\\d\\d$/.test(amount)) throw new TerminalError('order "' + id + '" has amount "' + amount + '"', { code: "AMOUNT" });
          if (!/^\\d{4}-\\d\\d-\\d\\d$/.test(day)) throw new TerminalError('order "' + id + '" is of "' + day + '"', { code: "DAY" });
          return { id, cents: Math.round(Number(amount) * 100), day };
        })
        .to(topic("bookings", { value: booking, keyType: "string" }));
    },
  });
`;

/** Mends amounts with a comma and days as they are written in Germany, and reads what came as plain JSON. */
const MEND = `
  import type { LetterTransform } from "mulgil";
  const mend: LetterTransform = (letter) => {
    const order = (letter.value ?? JSON.parse(letter.bytes!.toString())) as { id: string; amount: string; day: string };
    if (order.id.endsWith("-leave")) return null;
    if (order.id.endsWith("-break")) throw new Error("no idea what that is");
    const [day, month, year] = order.day.split(".");
    return {
      ...letter,
      value: { ...order, amount: order.amount.replace(",", "."), day: year === undefined ? order.day : year + "-" + month + "-" + day },
    };
  };
  export default mend;
`;

export interface Order {
  readonly id: string;
  readonly amount: string;
  readonly day: string;
}

/** How many orders of each kind. */
export interface Orders {
  readonly good?: readonly string[];
  /** 12,50 instead of 12.50: dead letters with code AMOUNT. */
  readonly commas?: readonly string[];
  /** 24.12.2025: DAY. */
  readonly days?: readonly string[];
  /** JSON instead of Avro: VALUE_NOT_FRAMED. */
  readonly plain?: readonly string[];
}

export const ids = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** A user's folder with a job that books orders, and what he mends them with. */
export class OrdersProject {
  readonly cwd: string;
  readonly #where: readonly string[];
  readonly #withLog: <T>(use: (open: { log: LogAccess; registry: SchemaRegistry }) => Promise<T>) => Promise<T>;

  /** @param kafka without it, on a data directory */
  constructor(kafka?: {
    readonly where: readonly string[];
    readonly withLog: OrdersProject["withLog"];
  }) {
    this.cwd = temporaryFolder({ "job.ts": JOB, "mend.ts": MEND, "package.json": '{"type":"module"}' });
    this.#where = kafka?.where ?? [];
    this.#withLog = kafka?.withLog ?? ((use) => withDirectory(path.join(this.cwd, ".mulgil"), use));
  }

  withLog<T>(use: (open: { log: LogAccess; registry: SchemaRegistry }) => Promise<T>): Promise<T> {
    return this.#withLog(use);
  }

  file(name: string, content: string): void {
    writeFileSync(path.join(this.cwd, name), content);
  }

  async write({ good = [], commas = [], days = [], plain = [] }: Orders): Promise<void> {
    const order = (id: string, some: Partial<Order> = {}): Order => ({
      id,
      amount: "12.50",
      day: "2025-12-24",
      ...some,
    });
    await this.withLog(async ({ log, registry }) => {
      const serde = await createValueSerde<Order>({ schema: { avro: ORDER }, topic: "orders", registry });
      await log.ensureTopics([{ topic: "orders", partitions: 3, config: KEPT }]);
      const values: readonly (readonly [string, Buffer])[] = [
        ...good.map((id) => [id, serde.encode(order(id))] as const),
        ...commas.map((id) => [id, serde.encode(order(id, { amount: "12,50" }))] as const),
        ...days.map((id) => [id, serde.encode(order(id, { day: "24.12.2025" }))] as const),
        ...plain.map((id) => [id, Buffer.from(JSON.stringify(order(id)))] as const),
      ];
      const batches = Map.groupBy(
        values.map(([id, value]) => recordOf(id, value)),
        ({ key }) => partitionOf(key!, 3),
      );
      for (const [partition, records] of batches)
        for (let from = 0; from < records.length; from += 1_000)
          await log.produce([{ topic: "orders", partition, records: records.slice(from, from + 1_000) }]);
    });
  }

  /** Dead letters that the job did not make, by their headers. */
  async addLetters(letters: readonly Readonly<Record<string, string>>[]): Promise<void> {
    const records = letters.map((headers) => ({
      ...{ key: null, value: Buffer.from("{}"), timestampMs: systemClock.now() },
      headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
    }));
    await this.withLog(({ log }) => log.produce([{ topic: "bookings.dlq", partition: 0, records }]));
  }

  /** Until there is nothing left to do. */
  async run(): Promise<void> {
    const { code, stdout, stderr } = await this.command("run", "job.ts", "--until-idle");
    if (code !== 0) throw new Error(`the job ended with ${code}: ${stdout}\n${stderr}`);
  }

  command(...args: readonly string[]) {
    return mulgil([...args, ...this.#where], { cwd: this.cwd });
  }

  start(...args: readonly string[]): RunningCommand {
    return startMulgil([...args, ...this.#where], { cwd: this.cwd });
  }

  async dlq(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.command("dlq", ...args);
    if (code !== 0) throw new Error(`dlq ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  async groups<T = Record<string, unknown>>(): Promise<readonly T[]> {
    return JSON.parse(await this.dlq("ls", "bookings", "-o", "json")) as readonly T[];
  }

  /** Ids of what was booked, also twice. */
  async booked(): Promise<readonly string[]> {
    const { stdout } = await this.command("read", "bookings", "--key-type", "string");
    return objectsIn<{ key: string }>(stdout).map(({ key }) => key);
  }
}

/** When all orders were made. */
export const ORDERED_MS = Date.parse("2025-12-24T10:00:00Z");

const KEPT = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;

const recordOf = (id: string, value: Buffer): ProducerRecord => ({
  key: keySerde("string").encode(id),
  value,
  timestampMs: ORDERED_MS,
  headers: { shop: Buffer.from("web") },
});

async function withDirectory<T>(
  folder: string,
  use: (open: { log: LogAccess; registry: SchemaRegistry }) => Promise<T>,
): Promise<T> {
  const directory = await openDataDirectory(folder, { clock: systemClock });
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
}
