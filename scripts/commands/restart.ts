import { type Command, Option } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { orderRestart } from "../../runtime/ops/control.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type ChangeEntry, type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { type ChosenMember, chosenMembers } from "../control/choose-members.ts";
import { plural, standingOf } from "../control/job-standing.ts";
import { awaitAnswers, nameOf, type Obeyed } from "../control/order-answers.ts";
import { inProcesses, notes } from "../control/order-text.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { duration, examples, located } from "./options.ts";

interface RestartOptions extends LogLocation, ChangeOptions {
  readonly worker?: readonly string[];
  readonly allAtOnce?: true;
  readonly drainTimeout: number;
  readonly timeout: number;
  readonly output: OutputFormat;
}

const DRAIN_MS = 30_000;
/** Of a worker that leaves, joins again and restores what it does not find on its disk. */
const BACK_MS = 5 * 60_000;

export function addRestart(program: Command): void {
  changeOptions(located(program.command("restart")))
    .description("have the workers of a job leave and join again, one after the other; their processes stay")
    .argument("<job>")
    .option(
      "--worker <worker...>",
      "only these: ids of members, or processes like box-1:4711, as mulgil status shows them",
    )
    .option("--all-at-once", "do not wait for one before the next: nobody runs the tasks meanwhile")
    .addOption(
      new Option("--drain-timeout <duration>", "how long a worker may take to leave")
        .default(DRAIN_MS, "30s")
        .argParser(duration),
    )
    .addOption(
      new Option("--timeout <duration>", "how long to wait for each to be back")
        .default(BACK_MS, "5m")
        .argParser(duration),
    )
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        'mulgil restart account-months --why "a stuck connection"',
        "mulgil restart collect --worker box-1:4711 --yes --why hung",
      ),
    )
    .action(restart);
}

async function restart(job: string, options: RestartOptions): Promise<void> {
  const { worker: names, allAtOnce = false, output, ...rest } = options;
  assertLogExists(rest);
  await withLog(rest, async ({ log }) => {
    const { addressees } = await standingOf(log, job);
    const chosen = chosenMembers(job, addressees, names);
    const groups = allAtOnce ? [chosen] : chosen.map((member) => [member]);
    const found = await carryOut(
      log,
      {
        action: "restart",
        target: `job ${job}, ${plural(chosen.length, "worker")}`,
        preview: previewOf(job, chosen, allAtOnce),
        before: { members: chosen.map(({ memberId }) => memberId) },
        apply: (entry) => restartAll(log, { job, groups, entry, options }),
      },
      rest,
    );
    if (found === undefined) return;
    await printFormatted({ job, processes: found }, output, ({ processes }) => {
      const distinct = new Set(processes.map(({ process }) => process)).size;
      return [`${job} is restarted: ${inProcesses(chosen.length, distinct)}`, ...notes(processes)].join("\n");
    });
  });
}

async function restartAll(
  log: LogAccess,
  work: {
    readonly job: string;
    readonly groups: readonly (readonly ChosenMember[])[];
    readonly entry: ChangeEntry;
    readonly options: RestartOptions;
  },
): Promise<readonly Obeyed[]> {
  const { job, groups, entry, options } = work;
  const progress = new WorkProgress("workers restarted");
  const found: Obeyed[] = [];
  try {
    for (const [index, members] of groups.entries()) {
      // Each is an order of its own: whoever carries one out must not take the next one for it.
      const id = `${entry.id}/${index}`;
      await orderRestart(log, job, {
        ...{ ...entry, id, atMs: systemClock.now(), drainTimeoutMs: options.drainTimeout },
        memberIds: members.map(({ memberId }) => memberId),
      });
      found.push(...(await awaitAnswers(log, awaited(job, id, members, options.timeout))));
      progress.show(index + 1, groups.length);
    }
  } finally {
    progress.close();
  }
  return found;
}

function awaited(job: string, id: string, members: readonly ChosenMember[], timeoutMs: number) {
  const byProcess = Map.groupBy(members, ({ addressee }) => nameOf(addressee));
  const addressees = [...byProcess.values()].map((those) => ({
    ...those[0]!.addressee,
    memberIds: those.map(({ memberId }) => memberId),
  }));
  return { job, id, addressees, timeoutMs, what: "workers back" };
}

function previewOf(job: string, chosen: readonly ChosenMember[], allAtOnce: boolean): readonly string[] {
  const processes = new Set(chosen.map(({ addressee }) => nameOf(addressee))).size;
  const how = allAtOnce ? "all at once: nobody runs the tasks meanwhile" : "one after the other";
  return [`${job}: ${inProcesses(chosen.length, processes)} leave and join again, ${how}`];
}
