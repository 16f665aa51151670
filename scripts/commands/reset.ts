import { type Command, InvalidArgumentError, Option } from "commander";
import type { ResetPosition } from "../../runtime/ops/reset/reset-plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { parseStartPosition } from "../read/start-position.ts";
import { resetPreview } from "../reset/reset-text.ts";
import { examples, located } from "./options.ts";

interface ResetCommandOptions extends LogLocation, ChangeOptions {
  readonly to?: ResetPosition;
  readonly shiftBy?: number;
  readonly source?: readonly string[];
  readonly keepState?: true;
}

export function addReset(program: Command): void {
  const command = located(program.command("reset"))
    .description("have a stopped job begin elsewhere: its positions, its state, and what lies between its steps")
    .argument("<job>")
    .addOption(
      new Option("--to <position>", "earliest, latest, offset:12, a time, or a duration ago like 2h")
        .argParser(resetPosition)
        .conflicts("shiftBy"),
    )
    .addOption(
      new Option("--shift-by <n>", "so many offsets on; back if negative, as in --shift-by=-100").argParser(integer),
    )
    .addOption(
      new Option("--source <topic>", "only this source, with --keep-state; may be given several times").argParser(
        (topic: string, before: readonly string[] = []) => [...before, topic],
      ),
    )
    .option("--keep-state", "move positions alone: what is read again is added to what is there");
  changeOptions(command)
    .addHelpText(
      "after",
      examples(
        "mulgil reset account-months --to earliest --dry-run",
        'mulgil reset account-months --to 2026-03-01T00:00:00Z --why "rates were wrong in March"',
        'mulgil reset standardise --shift-by=1 --source bank.raw --keep-state --why "pass over one record" --yes',
      ),
    )
    .action(reset);
}

async function reset(job: string, options: ResetCommandOptions): Promise<void> {
  const { to, shiftBy, source, keepState = false, dryRun, yes, why, ...where } = options;
  const position = to ?? (shiftBy === undefined ? undefined : { by: shiftBy });
  if (position === undefined) throw new InvalidArgumentError("Say where to: --to earliest, or --shift-by.");
  assertLogExists(where);
  const { planReset } = await import("../../runtime/ops/reset/reset-plan.ts");
  const { resetJob } = await import("../../runtime/ops/reset/reset-job.ts");
  await withLog(where, async ({ log }) => {
    const plan = await knownPlan(log, job);
    const planned = await planReset({ log, plan, to: position, keepState, ...(source && { sources: source }) });
    const { positions, emptied } = planned;
    const done = await carryOut(
      log,
      {
        action: "reset",
        target: `job ${job}`,
        preview: resetPreview(planned),
        before: { positions: positions.map(({ topic, partition, from }) => `${topic}/${partition}: ${from}`) },
        after: {
          positions: positions.map(({ topic, partition, to: next }) => `${topic}/${partition}: ${next}`),
          emptied: emptied.map(({ topic }) => topic),
        },
        apply: async () => {
          await resetJob(log, planned, systemClock);
          return true;
        },
      },
      { ...(dryRun && { dryRun }), ...(yes && { yes }), ...(why !== undefined && { why }) },
    );
    if (done) process.stdout.write(`job ${job} is reset: it goes on there when it is started\n`);
  });
}

function resetPosition(text: string): ResetPosition {
  const position = parseStartPosition(text, systemClock.now());
  if (position.kind === "offset") return { offset: position.offset };
  if (position.kind === "spec") return position.spec;
  throw new InvalidArgumentError("Write earliest, latest, offset:12, a time, or a duration ago.");
}

function integer(text: string): number {
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("Give a whole number, like -100.");
  return value;
}
