import { type Command, InvalidArgumentError, Option } from "commander";
import type { EntryQuery } from "../../runtime/operators/entry-query.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { EXIT } from "../environment/exit-codes.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { TextOutput } from "../output/text-output.ts";
import { revealOptions, withReason } from "../reveal/reveal.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import type { Showing } from "../state/shown-state.ts";
import { askingWorkers } from "../state/worker-request.ts";
import { examples, located, positiveInteger, schemasOption } from "./options.ts";

interface GetOptions extends LogLocation, Showing {
  readonly entry?: string;
  readonly window?: number;
  readonly fromChangelog?: true;
  readonly output: OutputFormat;
}

interface ScanOptions extends LogLocation, Showing {
  readonly prefix?: string;
  readonly fromWindow?: number;
  readonly toWindow?: number;
  readonly task?: string;
  readonly limit: number;
  readonly all?: true;
  readonly fromChangelog?: true;
  readonly output: "table" | "ndjson";
}

interface SizeOptions extends LogLocation {
  readonly counts: boolean;
  readonly output: OutputFormat;
}

interface VerifyOptions extends LogLocation, Showing {
  readonly task?: string;
  readonly rate: number;
  readonly output: OutputFormat;
}

const LIMIT = 100;
const RECORDS_PER_SECOND = 50_000;

export function addState(program: Command): void {
  const state = program.command("state").description("read the stores of jobs, and check them");
  addGet(state);
  addScan(state);
  addSize(state);
  addVerify(state);
}

const windowOption = (flags: string, description: string): Option =>
  new Option(`${flags} <time>`, description).argParser(windowTime);

const changelogOption = (): Option =>
  new Option("--from-changelog", "read the log instead of asking the workers; also when the job does not run");

function addGet(state: Command): void {
  revealOptions(located(state.command("get")))
    .description("show what a store has under a key, as last committed")
    .argument("<job>")
    .argument("<store>", "a step's name, or <step>.<store>: see mulgil state size")
    .argument("<key>", "a text, digits, base64 for bytes, or JSON for an Avro key")
    .option("--entry <key>", "one entry of a mapStore")
    .addOption(windowOption("--window", "the window that starts then; all windows without it"))
    .addOption(changelogOption())
    .addOption(schemasOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        "mulgil state get spending spending c-1042",
        "mulgil state get spending daily c-1042 --window 2026-03-01T00:00:00+09:00 -o json",
        "mulgil state get spending spending c-1042 --from-changelog",
        'mulgil state get spending latest c-1042 --reveal --why "complaint 4711"',
      ),
    )
    .action(get);
}

function addScan(state: Command): void {
  revealOptions(located(state.command("scan")))
    .description("list the entries of a store, task by task, as last committed")
    .argument("<job>")
    .argument("<store>")
    .option("--prefix <text>", "keys that begin so, where keys are texts and not hidden")
    .addOption(windowOption("--from-window", "windows that start from then on"))
    .addOption(windowOption("--to-window", "windows that start before"))
    .option("--task <task>", "only those of this task")
    .addOption(new Option("-n, --limit <n>", "at most so many").default(LIMIT).argParser(positiveInteger))
    .addOption(new Option("--all", "all of them").conflicts("limit"))
    .addOption(changelogOption())
    .addOption(schemasOption())
    .addOption(
      new Option("-o, --output <format>", "one object a line, or a table")
        .choices(["table", "ndjson"])
        .default("table"),
    )
    .addHelpText(
      "after",
      examples(
        "mulgil state scan spending spending --prefix c-10",
        "mulgil state scan spending daily --from-window 2026-03-01T00:00:00Z --to-window 2026-03-02T00:00:00Z --all -o ndjson",
      ),
    )
    .action(scan);
}

function addSize(state: Command): void {
  located(state.command("size"))
    .description("show the stores of a job: entries, bytes on disk, changelogs, checkpoints")
    .argument("<job>")
    .option("--no-counts", "do not count entries: that reads all of them")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil state size spending", "mulgil state size spending --no-counts -o json"))
    .action(size);
}

function addVerify(state: Command): void {
  revealOptions(located(state.command("verify")))
    .description("compare stores with what a restore would build of their changelogs; ends with 3 if they differ")
    .argument("<job>", "running, or stopped: then the state in --data-dir on this machine")
    .argument("[store]", "all of them if none is named")
    .option("--task <task>", "only this task's")
    .addOption(
      new Option("--rate <n>", "entries a second and store, of the changelog and of the store")
        .default(RECORDS_PER_SECOND)
        .argParser(positiveInteger),
    )
    .addOption(schemasOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples("mulgil state verify spending", "mulgil state verify spending daily --task purchases_3 --rate 10000"),
    )
    .action(verify);
}

/** Milliseconds since the epoch, or ISO 8601. */
function windowTime(text: string): number {
  const timeMs = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isSafeInteger(timeMs))
    throw new InvalidArgumentError("Write a time like 2026-03-01T00:00:00Z, or milliseconds since 1970.");
  return timeMs;
}

async function get(job: string, store: string, key: string, given: GetOptions): Promise<void> {
  const options = await withReason(given);
  const { entry, window, fromChangelog = false, output, ...where } = options;
  assertLogExists(where);
  const { getEntries } = await import("../state/get-entries.ts");
  const { entriesText } = await import("../state/state-text.ts");
  const query = {
    key,
    ...(entry !== undefined && { entryKey: entry }),
    ...(window !== undefined && { fromWindowMs: window, toWindowMs: window + 1 }),
  };
  const found = await withLog(where, (open) =>
    getEntries(open, { job, store, query, fromChangelog, showing: options, ask: askingWorkers(where) }),
  );
  await printFormatted(found, output, entriesText);
}

async function scan(job: string, store: string, given: ScanOptions): Promise<void> {
  const options = await withReason(given);
  const { prefix, fromWindow, toWindow, task, limit, all, fromChangelog = false, output, ...where } = options;
  assertLogExists(where);
  const { scanEntries } = await import("../state/scan-entries.ts");
  const { entriesTable } = await import("../state/state-text.ts");
  const query: EntryQuery = {
    ...(prefix !== undefined && { prefix }),
    ...(fromWindow !== undefined && { fromWindowMs: fromWindow }),
    ...(toWindow !== undefined && { toWindowMs: toWindow }),
  };
  const ask = askingWorkers(where);
  const out = new TextOutput(process.stdout);
  let left = all === true ? Number.POSITIVE_INFINITY : limit;
  let isFirst = true;
  await untilSignal((signal) =>
    withLog(where, async (open) => {
      const request = { job, store, query, task, fromChangelog, showing: options, ask, signal };
      for await (const page of scanEntries(open, request)) {
        const entries = page.slice(0, left);
        if (output === "table") await out.line(entriesTable(entries, isFirst));
        else for (const each of entries) await out.line(JSON.stringify(each));
        isFirst = false;
        left -= entries.length;
        if (left <= 0) break;
      }
    }),
  );
  await out.flush();
  if (isFirst) process.stderr.write("no entries\n");
  else if (left <= 0) process.stderr.write(`the first ${limit}: --limit and --all show more\n`);
}

async function size(job: string, { counts, output, ...where }: SizeOptions): Promise<void> {
  assertLogExists(where);
  const { storeSizes } = await import("../state/sizes.ts");
  const { sizesText } = await import("../state/state-text.ts");
  const sizes = await withLog(where, ({ log }) => storeSizes(log, askingWorkers(where), { job, counts }));
  await printFormatted(sizes, output, sizesText);
}

async function verify(job: string, store: string | undefined, given: VerifyOptions): Promise<void> {
  const options = await withReason(given);
  const { task, rate: recordsPerSecond, output, ...where } = options;
  assertLogExists(where);
  const { verifyStores } = await import("../state/verify-stores.ts");
  const { verifiedText } = await import("../state/state-text.ts");
  const { isWrong } = await import("../state/verified-store.ts");
  const verified = await untilSignal((signal) =>
    withLog(where, (open) =>
      verifyStores(open, where, {
        job,
        store,
        task,
        recordsPerSecond,
        showing: options,
        ask: askingWorkers(where),
        signal,
      }),
    ),
  );
  await printFormatted(verified, output, verifiedText);
  if (verified.some(isWrong)) process.exitCode = EXIT.found;
  else if (verified.some(({ report }) => report === undefined)) process.exitCode = EXIT.failed;
}

/** Ctrl-C ends the work in good order: what it has made beside is removed. */
async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const detach = onStopSignals(() =>
    stop.abort(new MulgilError("interrupted: nothing was changed", { code: "STATE_INTERRUPTED" })),
  );
  try {
    return await work(stop.signal);
  } finally {
    detach();
  }
}
