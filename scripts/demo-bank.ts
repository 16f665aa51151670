import { createWriteStream, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { styleText } from "node:util";
import { createGzip } from "node:zlib";
import accountMonths from "../jobs/bank/account-months.ts";
import standardise from "../jobs/bank/standardise.ts";
import { compile, describe, startJobs } from "../runtime/index.ts";
import { systemClock } from "../runtime/time/system-clock.ts";
import { type AccountMonthTotals, groupBy } from "./demo/bank-oracle.ts";
import { accountMonthsIn, deadLettersIn } from "./demo/bank-results.ts";
import { BANK_COLUMNS, csvLines, type GeneratedRow, generateBank } from "./demo/generate-bank.ts";
import { withLog } from "./environment/open-log.ts";
import { openInput } from "./input/open-input.ts";
import { table } from "./output/table.ts";
import { number } from "./run/progress.ts";
import { createRunReport } from "./run/run-report.ts";
import { writeInput } from "./write/write-input.ts";

const SEED = 1993;
const ACCOUNTS = 300;
const WORKERS = 2;
const SCHEMAS = path.resolve(import.meta.dirname, "../schemas");

const timings: (readonly [what: string, seconds: number])[] = [];
const folder = await mkdtemp(path.join(tmpdir(), "mulgil-demo-bank-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(128 + constants.signals[signal]);
  });
}
try {
  await demo(folder);
} finally {
  await rm(folder, { recursive: true });
}

/** The whole way of a bank's file: written to a topic, cleansed, summed by account and month, read back, and checked. */
async function demo(home: string): Promise<void> {
  const file = path.join(home, "transactions.csv.gz");
  const dataDir = path.join(home, "data");
  const rows = [...generateBank({ seed: SEED, accounts: ACCOUNTS, year: 93 })];
  await pipeline(Readable.from(csvLines(rows)), createGzip(), createWriteStream(file));
  showInput(rows);
  heading("The plan of the job that sums");
  console.log(describe(compile(accountMonths), "text"));
  heading(`The run: ${WORKERS} workers a job, exactly once`);
  await timed("write the file to the topic", () => write(dataDir, file));
  await timed("run both jobs until idle", () => run(dataDir));
  const { months, letters } = await timed("read the results", () => results(dataDir));
  showMonths(months);
  showDeadLetters(letters);
  reconcile(rows, months, letters);
  heading("Time");
  console.log(
    table(
      ["step", "seconds"],
      timings.map(([what, seconds]) => [what, seconds.toFixed(2)]),
      ["seconds"],
    ),
  );
}

async function write(dataDir: string, file: string): Promise<void> {
  const input = await openInput(file, { stdin: process.stdin });
  const { written, topic, partitions } = await withLog({ dataDir }, ({ log, registry }) =>
    writeInput({
      log,
      registry,
      input,
      topic: "bank.raw-transactions",
      schemasDir: SCHEMAS,
      rejectsFile: path.join(path.dirname(file), "rejects.ndjson"),
      now: systemClock.now,
      say: (line) => console.log(line),
    }),
  );
  console.log(`${number(written)} records written to ${topic} (${partitions} partitions)`);
}

async function run(dataDir: string): Promise<void> {
  const report = createRunReport({ format: "pretty", stream: process.stdout, progressEveryMs: 1_000 });
  const jobs = await startJobs([standardise, accountMonths], { dataDir, workers: WORKERS, onEvent: report.event });
  try {
    report.follow(jobs);
    await jobs.untilIdle();
    report.summary(await jobs.status());
  } finally {
    report.close();
    await jobs.stop();
  }
}

function results(dataDir: string) {
  return withLog({ dataDir }, async (directory) => ({
    months: await accountMonthsIn(directory),
    letters: await deadLettersIn(directory, compile(standardise).dlqTopic),
  }));
}

function showInput(rows: readonly GeneratedRow[]): void {
  const broken = rows.filter((row) => row.broken !== undefined).length;
  heading(`A year of an invented bank: ${number(rows.length)} rows as CSV, ${broken} of them broken on purpose`);
  console.log(
    table(
      BANK_COLUMNS,
      rows.slice(0, 5).map(({ row }) => BANK_COLUMNS.map((column) => row[column])),
      ["amount", "balance"],
    ),
  );
}

function showMonths(months: readonly AccountMonthTotals[]): void {
  heading("The results: topic bank.account-months, the latest value of some accounts and months");
  const some = months.filter(({ accountId, month }) => accountId <= 3 && month <= "1993-04");
  const cells = some.map(({ accountId, month, credits, debits }) => [
    String(accountId),
    month,
    String(credits.count),
    credits.total,
    String(debits.count),
    debits.total,
  ]);
  const head = ["account", "month", "credits", "total in", "debits", "total out"];
  console.log(
    table(
      head,
      cells,
      head.filter((name) => name !== "month"),
    ),
  );
}

function showDeadLetters(letters: ReadonlyMap<string, number>): void {
  heading("The dead letters, by the rule that they broke");
  console.log(
    table(
      ["rule", "rows"],
      [...letters].map(([rule, count]) => [rule, String(count)]),
      ["rows"],
    ),
  );
}

/** Compares with what a database makes of the same rows. Throws, and so fails, where anything differs. */
function reconcile(
  rows: readonly GeneratedRow[],
  months: readonly AccountMonthTotals[],
  letters: ReadonlyMap<string, number>,
): void {
  heading("The check");
  const expected = groupBy(rows.filter(({ broken }) => broken === undefined).map(({ row }) => row));
  const found = new Map(months.map((month) => [`${month.accountId} ${month.month}`, JSON.stringify(month)]));
  const wrong = expected.filter((month) => found.get(`${month.accountId} ${month.month}`) !== JSON.stringify(month));
  const rules = Object.groupBy(
    rows.flatMap(({ broken }) => broken ?? []),
    (rule) => rule,
  );
  const misfiled = Object.entries(rules).filter(([rule, all]) => letters.get(rule) !== all?.length);
  const dead = [...letters.values()].reduce((sum, count) => sum + count, 0);
  if (
    wrong.length > 0 ||
    months.length !== expected.length ||
    misfiled.length > 0 ||
    letters.size !== Object.keys(rules).length
  ) {
    throw new Error(
      `the results are wrong: ${wrong.length} of ${expected.length} account months differ; dead letters: ${JSON.stringify([...letters])}`,
    );
  }
  const tick = styleText("green", "✓");
  console.log(
    `${tick} ${number(expected.length)} account months equal a plain GROUP BY in SQLite, to the last decimal`,
  );
  console.log(`${tick} ${dead} broken rows are dead letters under the right rule, and nothing else is`);
}

function heading(text: string): void {
  console.log(`\n${styleText(["bold", "underline"], text)}`);
}

async function timed<T>(what: string, step: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await step();
  timings.push([what, (performance.now() - start) / 1000]);
  return result;
}
