import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { ListedReplay } from "../../../scripts/replay/replay-list.ts";
import { mulgil, type Outcome, objectsIn, type RunningCommand, startMulgil, temporaryFolder } from "./mulgil.ts";

export const KEYS = 20;
export const PARTITIONS = 4;
/** Of the first event; each comes a minute after the one before. */
export const FIRST_MS = Date.UTC(2026, 2, 1);

interface Event {
  readonly key: string;
  readonly number: number;
}

/** A record as `mulgil read` prints it. */
export interface PrintedEvent {
  readonly partition: number;
  readonly offset: number;
  readonly value: Event;
  readonly headers: Readonly<Record<string, string>>;
}

const eventSchema = (topic: string) => ({
  ...{ type: "record", name: "Event", topic, key: "key", eventTime: "at", partitions: PARTITIONS },
  fields: [
    { name: "key", type: "string" },
    { name: "number", type: "long" },
    { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 } },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "note", type: ["null", "string"], default: null },
  ],
});

const jobSource = (name: string, source: string) => `
  import { count, defineJob, type Schema, sum, topic } from "mulgil";
  type Event = { readonly key: string; readonly number: number };
  const event = { avro: ${JSON.stringify(eventSchema(source))} } as Schema<Event>;
  const total = {
    avro: { type: "record", name: "Total", fields: [{ name: "events", type: "long" }, { name: "numbers", type: "long" }] },
  } as Schema<{ events: number; numbers: number }>;
  export default defineJob({
    name: "${name}",
    version: 1,
    commitEvery: "100 ms",
    flow(from) {
      from(topic("${source}", { value: event, key: "key", eventTime: "at" }))
        .aggregate("totals", { events: count(), numbers: sum((one) => one.number) })
        .to(topic("${name}.totals", { value: total, keyType: "string" }));
    },
  });
`;

/** A user's folder with events on a topic, and a job that adds them up by key, on a data directory or a broker. Its names are its own. */
export class ReplayProject {
  readonly name: string;
  readonly events: string;
  readonly cwd = temporaryFolder();
  readonly #where: readonly string[];
  #written = 0;

  /** @param where --kafka and --registry; a data directory of its own if nothing is given */
  constructor(name: string, where: readonly string[] = ["--data-dir", "data"]) {
    this.name = name;
    this.events = `${name}.events`;
    this.#where = where;
    writeFileSync(path.join(this.cwd, "event.avsc"), JSON.stringify(eventSchema(this.events)));
    writeFileSync(path.join(this.cwd, "job.ts"), jobSource(name, this.events));
  }

  file(name: string): string {
    return path.join(this.cwd, name);
  }

  /** Event n has key n % KEYS, the amount n/100, and is of minute n. */
  async write(howMany: number, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const rows = Array.from({ length: howMany }, (_, index) => {
      const number = this.#written + index;
      const value = {
        ...{ key: `key-${number % KEYS}`, number, amount: (number / 100).toFixed(2) },
        at: FIRST_MS + number * 60_000,
      };
      return JSON.stringify({ value, headers });
    });
    this.#written += howMany;
    await this.ok(["write", this.events, "-f", "-", "--schemas", ".", "--envelope"], rows.join("\n"));
  }

  get written(): number {
    return this.#written;
  }

  mulgil(args: readonly string[], stdin = ""): Promise<Outcome> {
    return mulgil([...args, ...this.#where], { cwd: this.cwd, stdin });
  }

  async ok(args: readonly string[], stdin = ""): Promise<string> {
    const { code, stdout, stderr } = await this.mulgil(args, stdin);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  start(...args: readonly string[]): RunningCommand {
    return startMulgil([...args, ...this.#where], { cwd: this.cwd });
  }

  replay(...args: readonly string[]): Promise<Outcome> {
    return this.mulgil(["replay", ...args, "--schemas", "."]);
  }

  /** A replay that is confirmed. */
  changing(...args: readonly string[]): Promise<Outcome> {
    return this.replay(...args, "--yes", "--why", "a test");
  }

  startReplay(...args: readonly string[]): RunningCommand {
    return this.start("replay", ...args, "--schemas", ".", "--yes", "--why", "a test");
  }

  /** A job that runs, on a worker's folder of its own. */
  run(...args: readonly string[]): RunningCommand {
    const data = this.#where.includes("--data-dir") ? [] : ["--data-dir", "state"];
    return this.start("run", "job.ts", "--progress-every", "200ms", ...data, ...args);
  }

  runUntilIdle(): Promise<string> {
    const data = this.#where.includes("--data-dir") ? [] : ["--data-dir", "state"];
    return this.ok(["run", "job.ts", "--until-idle", ...data]);
  }

  async replays(): Promise<readonly ListedReplay[]> {
    return JSON.parse(await this.ok(["replay", "ls", "-o", "json"])) as readonly ListedReplay[];
  }

  /** Resolves when a replay has written some records, and not all that it is to write. */
  async untilHalfway(id: string, all: number, command?: RunningCommand): Promise<void> {
    // Whoever opens a data directory first has it: that must not be a command that looks at it and ends.
    await command?.until(({ stderr }) => stderr.includes("if it is interrupted"));
    const written = async () => (await this.replays()).find((each) => each.id === id)?.counts?.written ?? 0;
    await expect.poll(written, { timeout: 60_000, interval: 100 }).toBeGreaterThan(0);
    expect(await written()).toBeLessThan(all);
  }

  async read(topic: string): Promise<readonly PrintedEvent[]> {
    return objectsIn<PrintedEvent>(await this.ok(["read", topic, "--schemas", "."]));
  }

  async numbersIn(topic: string): Promise<readonly number[]> {
    return (await this.read(topic)).map(({ value }) => value.number);
  }

  /** The last totals of each key. */
  async totals(): Promise<ReadonlyMap<string, { readonly events: number; readonly numbers: number }>> {
    const records = objectsIn<{ key: string; value: { events: number; numbers: number } }>(
      await this.ok(["read", `${this.name}.totals`, "--key-type", "string"]),
    );
    return new Map(records.map(({ key, value }) => [key, value]));
  }

  /** What the totals are when every event has counted so many times. */
  expectedTotals(times: number): ReadonlyMap<string, { readonly events: number; readonly numbers: number }> {
    const numbers = Array.from({ length: this.#written }, (_, number) => number);
    return new Map(
      Array.from({ length: KEYS }, (_, key) => {
        const own = numbers.filter((number) => number % KEYS === key);
        const sum = own.reduce((all, number) => all + number, 0);
        return [`key-${key}`, { events: times * own.length, numbers: times * sum }] as const;
      }),
    );
  }
}

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

export const ascending = (numbers: readonly number[]): readonly number[] =>
  numbers.toSorted((left, right) => left - right);
