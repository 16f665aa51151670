import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { openDataDirectory } from "../../../runtime/log/embedded/data-directory.ts";
import type { Finding } from "../../../runtime/ops/doctor/finding.ts";
import { systemClock } from "../../../runtime/time/system-clock.ts";
import { mulgil, type Outcome, startMulgil, temporaryFolder } from "../../cli/support/mulgil.ts";

/** A function that never returns, one that throws, and one that does its work. */
export const EVENTS = {
  ...{ type: "record", name: "Event", topic: "events", key: "id", partitions: 2 },
  fields: [
    { name: "id", type: "string" },
    { name: "amount", type: "long" },
  ],
};

const JOB = `
  import { defineJob, type Schema, topic } from "mulgil";
  const event = { avro: ${JSON.stringify(EVENTS)} } as Schema<{ readonly id: string; readonly amount: number }>;
  export default defineJob({
    name: "totals",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      from(topic("events", { value: event, key: "id" }))
        .process("enrich", {
          output: event,
          onRecord(value, { emit }) {
            if (value.id === "stuck") return new Promise<void>(() => undefined);
            if (value.id.startsWith("poison")) throw new Error("this customer cannot be enriched");
            emit(value);
          },
        })
        .to(topic("enriched", { value: event, key: "id" }));
    },
  });
`;

export interface Row {
  readonly id: string;
  readonly amount: number;
}

export const rows = (count: number, id: (index: number) => string): readonly Row[] =>
  Array.from({ length: count }, (_, index) => ({ id: id(index), amount: index }));

/** A user's folder with a job that something happens to, on a data directory. */
export class Patient {
  readonly cwd: string;
  readonly #env = { MULGIL_DATA_DIR: "data" };

  constructor(job = JOB, schema: object = EVENTS) {
    this.cwd = temporaryFolder({ "job.ts": job });
    this.schema("schemas", schema);
  }

  schema(folder: string, schema: object): void {
    mkdirSync(path.join(this.cwd, folder), { recursive: true });
    writeFileSync(path.join(this.cwd, folder, "event.avsc"), JSON.stringify(schema));
  }

  async write(records: readonly object[], ...args: readonly string[]): Promise<void> {
    const stdin = records.map((record) => JSON.stringify(record)).join("\n");
    const written = await mulgil(["write", "events", "-f", "-", ...args], { ...this.#where, stdin });
    expect(written).toMatchObject({ code: 0 });
  }

  command(...args: readonly string[]): Promise<Outcome> {
    return mulgil(args, this.#where);
  }

  /** Leaves it running, until the test is over at the latest. */
  run(...args: readonly string[]) {
    return this.start("run", "job.ts", ...args);
  }

  start(...args: readonly string[]) {
    return startMulgil(args, this.#where);
  }

  async runUntilIdle(): Promise<void> {
    expect(await this.command("run", "job.ts", "--until-idle")).toMatchObject({ code: 0 });
  }

  /** Opens the data directory in this process; the commands are its guests until it is closed. */
  open() {
    return openDataDirectory(path.join(this.cwd, "data"), { clock: systemClock, mode: "owner" });
  }

  async doctor(...args: readonly string[]): Promise<Outcome> {
    return await this.command("doctor", ...args);
  }

  async findings(...args: readonly string[]): Promise<readonly Finding[]> {
    const { code, stdout, stderr } = await this.doctor("--no-sample", "-o", "json", ...args);
    expect([0, 3], stderr).toContain(code);
    return JSON.parse(stdout) as readonly Finding[];
  }

  async status(): Promise<string> {
    const { code, stdout, stderr } = await this.command("status");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  }

  get #where() {
    return { cwd: this.cwd, env: this.#env };
  }
}

/** Time for a condition that comes by itself. */
export const soon = { timeout: 90_000, interval: 500 };

/** By the name of the check. */
export const by = (findings: readonly Finding[], check: string): readonly Finding[] =>
  findings.filter((finding) => finding.check === check);
