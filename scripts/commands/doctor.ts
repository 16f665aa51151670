import { type Command, Option } from "commander";
import { diagnose } from "../../runtime/ops/doctor/diagnose.ts";
import { findingsText } from "../doctor/findings-text.ts";
import { observeAnyway } from "../doctor/observe.ts";
import { EXIT } from "../environment/exit-codes.ts";
import { assertLogExists, type LogLocation } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { duration, examples, located } from "./options.ts";

interface DoctorOptions extends LogLocation {
  readonly sample: number | false;
  readonly output: OutputFormat;
}

const SAMPLE_MS = 5_000;

export function addDoctor(program: Command): void {
  located(program.command("doctor"))
    .description("find what is wrong: what holds a partition, and what is not as jobs need it")
    .argument("[jobs...]", "names of jobs; all if none is given")
    .addOption(
      new Option("--sample <duration>", "how long positions are watched").default(SAMPLE_MS, "5s").argParser(duration),
    )
    .option("--no-sample", "look once: says nothing of jobs whose workers do not answer")
    .addOption(outputOption())
    .addHelpText(
      "after",
      `\nExit code: 3 if an error was found, 0 if only warnings and notes.\n${examples(
        "mulgil doctor",
        "mulgil doctor collection -o json | jq '.[] | select(.severity == \"error\") | .what'",
        "mulgil doctor --sample 30s",
      )}`,
    )
    .action(doctor);
}

async function doctor(names: readonly string[], { output, sample, ...where }: DoctorOptions): Promise<void> {
  assertLogExists(where);
  const facts = await observeAnyway(where, { names, sampleMs: sample === false ? undefined : sample });
  const findings = diagnose(facts);
  await printFormatted(findings, output, (found) => findingsText(found, facts));
  if (findings.some(({ severity }) => severity === "error")) process.exitCode = EXIT.found;
}
