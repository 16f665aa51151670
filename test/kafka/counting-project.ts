import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import type { RunningRegistry } from "../../scripts/kafka/start-registry.ts";
import { mulgil, objectsIn, type RunningCommand, startMulgil } from "../cli/support/mulgil.ts";

export interface Surroundings {
  readonly kafka: RunningKafka;
  readonly registry: RunningRegistry;
}

const KEYS = 50;

/** A user's folder with a job that copies events and counts them by key, for the command line on Kafka. Its names are its own. */
export class CountingProject {
  readonly name: string;
  readonly #cwd: string;
  readonly #surroundings: Surroundings;
  #written = 0;

  constructor(name: string, surroundings: Surroundings) {
    this.name = name;
    this.#surroundings = surroundings;
    this.#cwd = mkdtempSync(path.join(tmpdir(), "mulgil-processes-"));
    onTestFinished(() => rmSync(this.#cwd, { recursive: true, force: true }));
    writeFileSync(path.join(this.#cwd, "event.avsc"), JSON.stringify(eventSchema(name)));
    writeFileSync(path.join(this.#cwd, "job.ts"), jobSource(name));
  }

  /** Events of which each has a number of its own, and keys that occur equally often. */
  async write(howMany: number): Promise<void> {
    const lines = Array.from({ length: howMany }, (_, index) => {
      const number = this.#written + index;
      return JSON.stringify({ key: `key-${number % KEYS}`, number });
    });
    this.#written += howMany;
    const { code, stderr } = await mulgil(this.#onKafka("write", `${this.name}.events`, "-f", "-", "--schemas", "."), {
      cwd: this.#cwd,
      stdin: lines.join("\n"),
    });
    if (code !== 0) throw new Error(stderr);
  }

  /** From now on the registry says that the keys of the events are personal. The job is not told. */
  async tagKeys(): Promise<void> {
    writeFileSync(path.join(this.#cwd, "event.avsc"), JSON.stringify(eventSchema(this.name, { pii: "hash" })));
    const { code, stderr } = await this.command("schemas", "register", "--schemas", ".", "--yes", "--why", "a test");
    if (code !== 0) throw new Error(stderr);
  }

  /** Leaves it running, until the test is over at the latest. */
  run(...args: readonly string[]): RunningCommand {
    return startMulgil(this.#onKafka("run", "job.ts", "-d", "data", "--progress-every", "100ms", ...args), {
      cwd: this.#cwd,
    });
  }

  command(...args: readonly string[]) {
    return mulgil(this.#onKafka(...args), { cwd: this.#cwd });
  }

  /** What a process has left for the next one in the folder of this worker: the members of groups that it is. Undefined if nothing. */
  membersLeftBy(worker: string): readonly string[] | undefined {
    const file = path.join(this.#cwd, "data", "workers", worker, "members.json");
    if (!existsSync(file)) return undefined;
    return (JSON.parse(readFileSync(file, "utf8")) as { memberId: string }[]).map(({ memberId }) => memberId);
  }

  /** How often each event came through: nothing lost and nothing twice is all of them, once. */
  async copies(): Promise<{ readonly records: number; readonly distinct: number }> {
    const { stdout } = await this.command("read", `${this.name}.copies`);
    const numbers = objectsIn<{ value: { number: number } }>(stdout).map(({ value }) => value.number);
    return { records: numbers.length, distinct: new Set(numbers).size };
  }

  /** The last count of every key, and what it should be. */
  async counts(): Promise<{ readonly found: readonly number[]; readonly expected: readonly number[] }> {
    const { stdout } = await this.command("read", `${this.name}.counts`, "--key-type", "string");
    const last = new Map(
      objectsIn<{ key: string; value: { events: number } }>(stdout).map(({ key, value }) => [key, value.events]),
    );
    const keys = Array.from({ length: KEYS }, (_, key) => key);
    return {
      found: keys.map((key) => last.get(`key-${key}`) ?? 0),
      expected: keys.map((key) => Math.ceil((this.#written - key) / KEYS)),
    };
  }

  #onKafka(...args: readonly string[]): readonly string[] {
    const { kafka, registry } = this.#surroundings;
    return [...args, "--kafka", kafka.bootstrap, "--registry", registry.url];
  }
}

const eventSchema = (name: string, tag: { readonly pii?: "hash" } = {}) => ({
  ...{ type: "record", name: "Event", topic: `${name}.events`, key: "key", partitions: 4 },
  fields: [
    { name: "key", type: "string", ...tag },
    { name: "number", type: "long" },
  ],
});

const jobSource = (name: string) => `
  import { count, defineJob, type Schema, topic } from "mulgil";
  const event = { avro: ${JSON.stringify(eventSchema(name))} } as Schema<{ readonly key: string; readonly number: number }>;
  const counted = { avro: { type: "record", name: "Count", fields: [{ name: "events", type: "long" }] } } as Schema<{ events: number }>;
  export default defineJob({
    name: "${name}",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      const events = from(topic("${name}.events", { value: event, key: "key" }));
      events.to(topic("${name}.copies", { value: event, key: "key" }));
      events.aggregate("counts", { events: count() }).to(topic("${name}.counts", { value: counted, keyType: "string" }));
    },
  });
`;
