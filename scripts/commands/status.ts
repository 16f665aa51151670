import type { Command } from "commander";
import { diagnose } from "../../runtime/ops/doctor/diagnose.ts";
import { observe } from "../doctor/observe.ts";
import { assertLogExists, type LogLocation } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { jobView } from "../status/job-view.ts";
import { statusText } from "../status/status-text.ts";
import { examples, located } from "./options.ts";

interface StatusOptions extends LogLocation {
  readonly output: OutputFormat;
}

export function addStatus(program: Command): void {
  located(program.command("status"))
    .description("show what runs: workers, tasks, how far they are, whether they keep up, and what is being restored")
    .argument("[jobs...]", "names of jobs; all if none is given")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil status", "mulgil status account-months -o json | jq '.[].lag'"))
    .action(status);
}

async function status(names: readonly string[], { output, ...where }: StatusOptions): Promise<void> {
  assertLogExists(where);
  const facts = await observe(where, { names });
  const findings = diagnose(facts);
  const views = facts.jobs.map((job) => jobView(job, facts, findings));
  await printFormatted(views, output, (jobs) => (jobs.length === 0 ? "no job has run here yet" : statusText(jobs)));
}
