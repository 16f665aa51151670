import { type Command, Option } from "commander";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { observe } from "../doctor/observe.ts";
import { assertLogExists, type LogLocation } from "../environment/open-log.ts";
import { lagText } from "../lag/lag-text.ts";
import { type LagBy, type LagView, lagViews } from "../lag/lag-view.ts";
import { formatted, type OutputFormat, outputOption } from "../output/formatted.ts";
import { TextOutput } from "../output/text-output.ts";
import { duration, examples, located } from "./options.ts";

interface LagOptions extends LogLocation {
  readonly by: LagBy;
  readonly sample?: number;
  readonly watch?: true;
  readonly output: OutputFormat;
}

const WATCH_EVERY_MS = 2_000;
/** To the upper left corner, and all below is empty. */
const CLEAR = "\u001b[H\u001b[2J";

export function addLag(program: Command): void {
  located(program.command("lag"))
    .description("show how far jobs are behind: in records and in time, and whether they catch up")
    .argument("[jobs...]", "names of jobs; all if none is given")
    .addOption(new Option("--by <what>", "a line for each").choices(["partition", "task", "job"]).default("partition"))
    .addOption(new Option("--sample <duration>", "watch so long, and show rates and the time left").argParser(duration))
    .option("--watch", "again and again, until Ctrl-C")
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        "mulgil lag",
        "mulgil lag collection --by task --sample 10s",
        "mulgil lag -o json | jq '.[] | select(.verdict != \"ok\")'",
      ),
    )
    .action(lag);
}

async function lag(names: readonly string[], { by, sample, watch, output, ...where }: LagOptions): Promise<void> {
  assertLogExists(where);
  const out = new TextOutput(process.stdout);
  for (;;) {
    const views = lagViews(await observe(where, { names, sampleMs: sample }), by);
    if (watch === true && process.stdout.isTTY) await out.line(CLEAR);
    await out.line(shown(views, { by, output, isRepeated: watch === true }));
    await out.flush();
    if (watch !== true) return;
    await systemClock.sleep(WATCH_EVERY_MS);
  }
}

/** Again and again, programs read a document a line. */
function shown(
  views: readonly LagView[],
  { by, output, isRepeated }: { readonly by: LagBy; readonly output: OutputFormat; readonly isRepeated: boolean },
): string {
  if (isRepeated && output === "json") return JSON.stringify(views);
  return formatted(views, output, (all) => (all.length === 0 ? "no job has run here yet" : lagText(all, by)));
}
