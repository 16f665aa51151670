import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Comparison } from "../../../scripts/compare/comparison.ts";
import { withLog } from "../../../scripts/environment/open-log.ts";
import { mulgil, type Outcome, temporaryFolder } from "./mulgil.ts";

/** How a topic is written. */
export interface Writing {
  /** Of a record, in their order. @default id, amount, note, at */
  readonly fields?: readonly object[];
  readonly partitions?: number;
}

const decimal = { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 };
export const FIELDS = {
  id: { name: "id", type: "string" },
  amount: { name: "amount", type: decimal },
  note: { name: "note", type: ["null", "string"], default: null },
  at: { name: "at", type: "long", default: 0 },
};

/** A user's folder, and topics in it. Temporary files are below it, too. */
export class CompareProject {
  readonly cwd = temporaryFolder();
  readonly #where: readonly string[];
  readonly #temporary = path.join(this.cwd, "temporary");

  /** @param where --kafka and --registry; a data directory of its own if nothing is given */
  constructor(where: readonly string[] = ["--data-dir", "data"]) {
    this.#where = where;
    mkdirSync(this.#temporary);
  }

  command(args: readonly string[], stdin = ""): Promise<Outcome> {
    return mulgil([...args, ...this.#where], { cwd: this.cwd, env: { TMPDIR: this.#temporary }, stdin });
  }

  async done(args: readonly string[], stdin = ""): Promise<Outcome> {
    const outcome = await this.command(args, stdin);
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    return outcome;
  }

  /** Rows as values, or with `envelope` as { key, value, timestamp, headers }. */
  async write(topic: string, rows: readonly object[], writing: Writing = {}, ...args: readonly string[]) {
    const { fields = Object.values(FIELDS), partitions = 2 } = writing;
    const schema = { type: "record", name: "Total", key: "id", partitions, fields };
    writeFileSync(path.join(this.cwd, "total.avsc"), JSON.stringify(schema));
    const stdin = rows.map((row) => JSON.stringify(row)).join("\n");
    await this.done(["write", topic, "--file", "-", "--strict", "--schema", "total.avsc", ...args], stdin);
  }

  /** Bytes that no schema reads, on a topic of a data directory. */
  async produce(topic: string, ...records: readonly { readonly key: string | null; readonly value: string }[]) {
    await withLog({ dataDir: path.join(this.cwd, "data") }, async ({ log }) => {
      const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 } as const;
      await log.ensureTopics([{ topic, partitions: 1, config }]);
      const bytes = records.map(({ key, value }) => ({
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(value),
        timestampMs: 1,
      }));
      await log.produce([{ topic, partition: 0, records: bytes }]);
    });
  }

  compare(...args: readonly string[]): Promise<Outcome> {
    return this.command(["compare", ...args]);
  }

  /** What it tells as JSON; it must have ended with the code that goes with that. */
  async compared(...args: readonly string[]): Promise<Comparison> {
    const { code, stdout, stderr } = await this.compare(...args, "-o", "json");
    expect(stderr).toBe("");
    const comparison = JSON.parse(stdout) as Comparison;
    expect(code).toBe(comparison.isEqual ? 0 : 3);
    expect(this.temporaryFolders).toEqual([]);
    return comparison;
  }

  /** What comparisons have made beside. */
  get temporaryFolders(): readonly string[] {
    return readdirSync(this.#temporary).filter((name) => name.startsWith("mulgil-compare-"));
  }
}
