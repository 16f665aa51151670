import { type Command, Option } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { orderWanted } from "../../runtime/ops/control.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { WantedState } from "../../runtime/worker/control-records.ts";
import { type ChangeEntry, type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { countOf, type JobStanding, standingOf } from "../control/job-standing.ts";
import { awaitAnswers, type Obeyed } from "../control/order-answers.ts";
import { orderResult } from "../control/order-text.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { duration, examples, located } from "./options.ts";

interface WantOptions extends LogLocation, ChangeOptions {
  readonly timeout: number;
  readonly output: OutputFormat;
}

interface Verb {
  readonly name: string;
  readonly status: WantedState["status"];
  readonly description: string;
  readonly timeout: string;
  readonly timeoutMs: number;
  /** What holds afterwards, for a person who has to say yes. */
  readonly promise: (job: string) => string;
}

const VERBS: readonly Verb[] = [
  {
    ...{ name: "pause", status: "paused", timeout: "30s", timeoutMs: 30_000 },
    description: "have the workers of a job process nothing, and keep their places and tasks",
    promise: (job) =>
      `they process nothing until mulgil resume ${job}, and keep their places and tasks; what has begun ends`,
  },
  {
    ...{ name: "drain", status: "drained", timeout: "30s", timeoutMs: 30_000 },
    description: "have the workers of a job finish what has begun, commit, and leave; their processes stay",
    promise: (job) => `they commit and leave, and come back at mulgil resume ${job}; their processes stay`,
  },
  {
    ...{ name: "resume", status: "running", timeout: "1m", timeoutMs: 60_000 },
    description: "take back a pause or a drain",
    promise: () => "they go on where they are committed",
  },
];

/** A member that leaves has its time, and says so afterwards. */
const ANSWER_MARGIN_MS = 10_000;

export function addControl(program: Command): void {
  for (const verb of VERBS) addVerb(program, verb);
}

function addVerb(program: Command, verb: Verb): void {
  const { name, description, timeout, timeoutMs } = verb;
  const help = name === "drain" ? "how long the workers may take to leave" : "how long to wait for the workers";
  changeOptions(located(program.command(name)))
    .description(description)
    .argument("<job>")
    .addOption(new Option("--timeout <duration>", help).default(timeoutMs, timeout).argParser(duration))
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(`mulgil ${name} account-months --why "the ledger is being moved"`, `mulgil ${name} collect --dry-run`),
    )
    .action((job: string, options: WantOptions) => want(verb, job, options));
}

async function want(verb: Verb, job: string, { timeout, output, ...rest }: WantOptions): Promise<void> {
  assertLogExists(rest);
  await withLog(rest, async ({ log }) => {
    const standing = await standingOf(log, job);
    const found = await carryOut(
      log,
      {
        action: verb.name,
        target: `job ${job}`,
        preview: previewOf(verb, standing),
        before: { status: statusOf(standing) },
        after: { status: verb.status },
        apply: (entry) => giveAndAwait(log, verb, standing, entry, timeout),
      },
      rest,
    );
    if (found === undefined) return;
    const result = { job, status: verb.status, processes: found };
    await printFormatted(result, output, orderResult);
  });
}

async function giveAndAwait(
  log: LogAccess,
  { status }: Verb,
  { job, addressees }: JobStanding,
  entry: ChangeEntry,
  timeoutMs: number,
): Promise<readonly Obeyed[]> {
  const order = { ...entry, atMs: systemClock.now(), drainTimeoutMs: timeoutMs };
  await orderWanted(log, job, { ...order, status });
  if (addressees.length === 0) return [];
  const waitMs = status === "drained" ? timeoutMs + ANSWER_MARGIN_MS : timeoutMs;
  return await awaitAnswers(log, { job, id: entry.id, addressees, timeoutMs: waitMs, what: `workers ${status}` });
}

const statusOf = ({ wanted }: JobStanding): WantedState["status"] => wanted?.status ?? "running";

function previewOf({ status, promise }: Verb, standing: JobStanding): readonly string[] {
  const { job, wanted, addressees } = standing;
  const since = wanted === undefined ? "" : ` (${wanted.by}: ${wanted.why})`;
  const who =
    addressees.length === 0 ? "nobody runs it now; workers that start later obey it" : `for ${countOf(addressees)}`;
  return [`${job}: ${statusOf(standing)}${since} → ${status}, ${who}`, promise(job)];
}
