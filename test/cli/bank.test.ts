import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AccountMonthTotals, groupBy } from "../../scripts/demo/bank-oracle.ts";
import { type BankFile, bankFile } from "./support/bank-file.ts";
import { mulgil, objectsIn, startMulgil, temporaryFolder } from "./support/mulgil.ts";

interface PrintedMonth {
  readonly partition: number;
  readonly offset: number;
  readonly key: number;
  readonly value: AccountMonthTotals;
}

const JOBS = ["standardise", "account-months", "standard-transaction", "standard-transaction.test"].map(
  (name) => `jobs/bank/${name}.ts`,
);
interface ToldProgress {
  readonly job: string;
  readonly recordsIn: number;
  readonly recordsOut: number;
}

interface Progress {
  /** By the jobs together, since the process started. */
  readonly read: number;
  readonly monthsRead: number;
  readonly monthsWritten: number;
}

/** When the process is killed: as the jobs start, in the middle of each job, behind the last record but before its commit, between the commits of two tasks. */
const KILLED_WHEN: readonly ((progress: Progress) => boolean)[] = [
  () => true,
  ({ read }) => read > 12_000,
  ({ monthsRead }) => monthsRead > 0,
  ({ monthsRead }) => monthsRead > 9_000,
  ({ monthsRead }) => monthsRead > 25_000,
  ({ monthsWritten }) => monthsWritten > 0,
];

let home: string;
let bank: BankFile;
let expected: readonly AccountMonthTotals[];
/** A data directory that holds the raw transactions: copied, it saves writing them again. */
let written: string;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "mulgil-bank-"));
  bank = bankFile(home);
  expected = groupBy(bank.rows);
  written = path.join(home, "written");
  const outcome = await mulgil(["write", "bank.raw-transactions", "--file", bank.file, "--data-dir", written]);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
}, 60_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

function dataDir(): string {
  const folder = path.join(temporaryFolder(), "data");
  cpSync(written, folder, { recursive: true });
  return folder;
}

const runArgs = (dir: string, ...args: readonly string[]) => [
  "run",
  ...JOBS,
  "--data-dir",
  dir,
  "--until-idle",
  ...args,
];

async function monthsIn(dir: string): Promise<readonly PrintedMonth[]> {
  const { code, stdout, stderr } = await mulgil(["read", "bank.account-months", "--data-dir", dir, "-o", "ndjson"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return objectsIn<PrintedMonth>(stdout);
}

const byAccountAndMonth = (records: readonly PrintedMonth[]): ReadonlyMap<string, readonly AccountMonthTotals[]> =>
  Map.groupBy(
    records.map(({ value }) => value),
    ({ accountId, month }) => `${accountId} ${month}`,
  );

/** What the newest lines of progress tell; undefined before the first of them. */
function progressOf(stdout: string): Progress | undefined {
  const lines = stdout.split("\n").slice(0, -1).slice(-20);
  const told = lines
    .filter((line) => line.includes('"message":"progress"'))
    .map((line) => JSON.parse(line) as ToldProgress);
  if (told.length === 0) return undefined;
  const newest = (name: string) => told.findLast(({ job }) => job === name) ?? { recordsIn: 0, recordsOut: 0 };
  const months = newest("account-months");
  return {
    read: newest("standardise").recordsIn + months.recordsIn,
    monthsRead: months.recordsIn,
    monthsWritten: months.recordsOut,
  };
}

function latest(records: readonly PrintedMonth[]): readonly AccountMonthTotals[] {
  const last = [...byAccountAndMonth(records).values()].map((values) => values.at(-1)!);
  return last.sort((left, right) => left.accountId - right.accountId || (left.month < right.month ? -1 : 1));
}

/** Counts never fall, and two values of a month are never equal. */
function expectGrowth(records: readonly PrintedMonth[]): void {
  const steps = (values: readonly AccountMonthTotals[]) =>
    values.map(({ credits, debits }) => credits.count + debits.count);
  const wrong = [...byAccountAndMonth(records)].filter(([, values]) =>
    steps(values).some((count, index, all) => index > 0 && count <= all[index - 1]!),
  );
  expect(wrong).toEqual([]);
}

describe("the bank's jobs", () => {
  it.each([1, 2])(
    "end in the totals of a plain GROUP BY over the file, with %i workers a job",
    async (workers) => {
      const dir = dataDir();
      const outcome = await mulgil(runArgs(dir, "--workers", String(workers)));
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      const summary = objectsIn(outcome.stdout).filter(({ message }) => message === "summary");
      expect(summary).toMatchObject([
        { job: "standardise", recordsIn: bank.rows.length, recordsOut: bank.rows.length, lag: 0, deadLetters: 0 },
        { job: "account-months", recordsIn: bank.rows.length, lag: 0, late: 0, deadLetters: 0 },
      ]);
      const months = await monthsIn(dir);
      expect(latest(months)).toEqual(expected);
      expect(months.every(({ key, value }) => key === value.accountId)).toBe(true);
      expectGrowth(months);
    },
    120_000,
  );

  it("end in the same totals when they are killed at any moment and started again", async () => {
    const dir = dataDir();
    let killed = 0;
    for (const [attempt, isMoment] of KILLED_WHEN.entries()) {
      const run = startMulgil(runArgs(dir, "--workers", String(1 + (attempt % 2)), "--progress-every", "10ms"));
      run.process.stdin.end();
      const isThere = run.until(({ stdout }) => {
        const progress = progressOf(stdout);
        return progress !== undefined && isMoment(progress);
      });
      await Promise.race([isThere, run.ended]).catch(() => undefined);
      if (run.process.kill("SIGKILL")) killed++;
      await run.ended;
    }
    expect(killed).toBeGreaterThan(1);
    expect(await mulgil(runArgs(dir))).toMatchObject({ code: 0, stderr: "" });
    const months = await monthsIn(dir);
    expect(latest(months)).toEqual(expected);
    expectGrowth(months);
  }, 180_000);

  it("sum what is written later on top of what was there", async () => {
    const dir = dataDir();
    await mulgil(runArgs(dir));
    const row = { ...bank.rows.at(-1)!, trans_id: "999999999", type: "PRIJEM", operation: "VKLAD", amount: "0.01" };
    const more = await mulgil(["write", "bank.raw-transactions", "-f", "-", "--data-dir", dir], {
      stdin: JSON.stringify(row),
    });
    expect(more).toMatchObject({ code: 0, stderr: "" });
    await mulgil(runArgs(dir));
    expect(latest(await monthsIn(dir))).toEqual(groupBy([...bank.rows, row]));
  }, 120_000);

  it("send a row that breaks a rule to the dead letters, byte for byte, under the rule's name", async () => {
    const dir = path.join(temporaryFolder(), "data");
    const good = bank.rows[0]!;
    const rows = [
      good,
      { ...good, date: "930231" },
      { ...good, amount: "-5.00" },
      { ...good, amount: undefined },
      { ...good, type: "DAR" },
    ];
    await mulgil(["write", "bank.raw-transactions", "-f", "-", "--data-dir", dir], {
      stdin: rows.map((row) => JSON.stringify(row)).join("\n"),
    });
    const outcome = await mulgil(runArgs(dir));
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    const { stdout } = await mulgil(["read", "standardise.dlq", "--data-dir", dir]);
    const letters = objectsIn<{ key: string; value: Record<string, string>; headers: Record<string, string> }>(stdout);
    expect(letters.map(({ headers }) => headers["mulgil.dlq.code"]).sort()).toEqual([
      "BANK_IMPOSSIBLE_DATE",
      "BANK_MISSING_COLUMN",
      "BANK_NEGATIVE_AMOUNT",
      "BANK_UNKNOWN_TYPE",
    ]);
    expect(letters.map(({ value }) => value["date"])).toContain("930231");
    expect(
      letters.every(
        ({ key, headers }) => key === good.account_id && headers["mulgil.dlq.topic"] === "bank.raw-transactions",
      ),
    ).toBe(true);
    expect(
      (await mulgil(["read", "bank.transactions", "--data-dir", dir])).stdout.split("\n").filter(Boolean),
    ).toHaveLength(1);
  }, 60_000);
});
