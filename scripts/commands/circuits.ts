import { type Command, Option } from "commander";
import ms from "ms";
import type { LogAccess } from "../../runtime/log/port.ts";
import {
  type InstitutionOverview,
  institutionsOf,
  jobsWithCircuits,
  readCircuits,
} from "../../runtime/ops/circuits-overview.ts";
import { orderOverride } from "../../runtime/ops/order-override.ts";
import { orderWaiting } from "../../runtime/ops/order-waiting.ts";
import type { Override } from "../../runtime/resilience/resource-report.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { actor } from "../change/actor.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { circuitsTable, standing } from "../circuits/circuits-text.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { duration, examples, located } from "./options.ts";

interface ListOptions extends LogLocation {
  readonly job?: string;
  readonly output: OutputFormat;
}

interface OrderOptions extends LogLocation, ChangeOptions {
  readonly job: string;
  readonly step?: string;
  readonly for?: number;
}

const HELP: Readonly<Record<Override["state"], string>> = {
  open: "make no calls to an institution, whatever its circuit says",
  closed: "make calls to an institution, whatever its circuit says",
  reset: "take back an order, and begin anew: closed, with empty statistics",
};

export function addCircuits(program: Command): void {
  const circuits = program.command("circuits").description("show the institutions that jobs call, and switch them");
  located(circuits.command("ls", { isDefault: true }))
    .description("list them: circuit, calls, failures, latencies, what waits")
    .option("--job <job>", "only those of this job")
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        "mulgil circuits",
        "mulgil circuits ls --job collect -o json | jq '.[] | select(.circuit != \"closed\")'",
      ),
    )
    .action(list);
  addOrder(circuits, "open", "open");
  addOrder(circuits, "close", "closed");
  addOrder(circuits, "reset", "reset");
}

function addOrder(circuits: Command, name: string, state: Override["state"]): void {
  const command = changeOptions(located(circuits.command(name)))
    .description(HELP[state])
    .argument("<institution>")
    .requiredOption("--job <job>", "the job that calls it")
    .option("--step <step>", "only this step of it; all that call the institution if none is named");
  if (state !== "reset")
    command.addOption(new Option("--for <duration>", "ends by itself; without it, at the reset").argParser(duration));
  const hint = state === "reset" ? "" : " --for 2h";
  command
    .addHelpText(
      "after",
      examples(`mulgil circuits ${name} bank-07 --job collect${hint} --yes --why "announced on their page"`),
    )
    .action((institution: string, options: OrderOptions) => order(institution, state, options));
}

async function list({ job, output, ...where }: ListOptions): Promise<void> {
  assertLogExists(where);
  const nowMs = systemClock.now();
  const found = await withLog(where, async ({ log }) => {
    const jobs = job === undefined ? await jobsWithCircuits(log) : [await knownJob(log, job)];
    const shared = await Promise.all(jobs.map((each) => readCircuits(log, each)));
    return shared.flatMap((each) => institutionsOf(each, nowMs));
  });
  await printFormatted(found, output, (all) =>
    all.length === 0 ? "no job has called an institution here yet" : circuitsTable(all, nowMs),
  );
}

async function order(institution: string, state: Override["state"], options: OrderOptions): Promise<void> {
  const { job, step, for: forMs } = options;
  assertLogExists(options);
  await withLog(options, async ({ log }) => {
    const all = await institutionsNow(log, await knownJob(log, job));
    const steps = step === undefined ? stepsThatCall(all, job, institution) : [step];
    const before = standings(all, steps, institution);
    const until = forMs === undefined ? "" : ` for ${ms(forMs)}`;
    const done = await carryOut(
      log,
      {
        action: `circuits ${COMMANDS[state]}`,
        target: `job ${job}, institution ${institution}`,
        preview: steps.map((each) => `${job} ${each} ${institution}: ${before[each]} → ${WILL_BE[state]}${until}`),
        before,
        after: { order: state, ...(forMs !== undefined && { forMs }) },
        apply: ({ why }) => given({ log, job, steps, institution, state, forMs, why }),
        outcome: (after) => after,
      },
      options,
    );
    if (done === undefined) return;
    for (const each of steps) process.stdout.write(`${job} ${each} ${institution}: ${before[each]} → ${done[each]}\n`);
  });
}

async function given(order: {
  readonly log: LogAccess;
  readonly job: string;
  readonly steps: readonly string[];
  readonly institution: string;
  readonly state: Override["state"];
  readonly forMs: number | undefined;
  readonly why: string;
}): Promise<Readonly<Record<string, string>>> {
  const { log, job, steps, institution: resource, state, forMs, why } = order;
  const atMs = systemClock.now();
  const by = actor();
  const override = { state, why, atMs, by, ...(forMs !== undefined && { untilMs: atMs + forMs }) };
  await orderOverride(log, job, { steps, resource, override });
  // What was sent away because of the circuit need not wait for the end of its tier.
  if (state !== "open") await orderWaiting(log, job, { steps, order: { what: "release", resource, by, why, atMs } });
  return standings(await institutionsNow(log, job), steps, resource);
}

const COMMANDS: Readonly<Record<Override["state"], string>> = { open: "open", closed: "close", reset: "reset" };

const WILL_BE: Readonly<Record<Override["state"], string>> = {
  open: "open by hand",
  closed: "closed by hand",
  reset: "closed, with empty statistics",
};

/** How an institution stands for each of the steps. */
const standings = (
  all: readonly InstitutionOverview[],
  steps: readonly string[],
  institution: string,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    steps.map((step) => [step, standing(all.find((one) => one.step === step && one.resource === institution))]),
  );

const institutionsNow = async (log: LogAccess, job: string): Promise<readonly InstitutionOverview[]> =>
  institutionsOf(await readCircuits(log, job), systemClock.now());

async function knownJob(log: LogAccess, job: string): Promise<string> {
  const known = await jobsWithCircuits(log);
  if (known.includes(job)) return job;
  throw new MulgilError(`no job "${job}" calls institutions here: there is ${listed(known)}`, {
    code: "CIRCUITS_JOB_UNKNOWN",
  });
}

function stepsThatCall(all: readonly InstitutionOverview[], job: string, institution: string): readonly string[] {
  const steps = all.flatMap(({ step, resource }) => (resource === institution ? [step] : []));
  if (steps.length > 0) return steps;
  const known = [...new Set(all.map(({ resource }) => resource))];
  throw new MulgilError(
    `job "${job}" has not called "${institution}": there is ${listed(known)}; to order something for one that is not called yet, name the --step`,
    { code: "CIRCUITS_INSTITUTION_UNKNOWN" },
  );
}

const listed = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));
