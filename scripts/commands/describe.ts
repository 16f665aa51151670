import { type Command, Option } from "commander";
import { engine } from "../environment/engine.ts";
import { loadJobs } from "../job-files/load-jobs.ts";
import { TextOutput } from "../output/text-output.ts";
import { examples } from "./options.ts";

type Format = "text" | "mermaid" | "json";

export function addDescribe(program: Command): void {
  program
    .command("describe")
    .description("print the plan of some jobs: what reads and writes what, topics, stores")
    .argument("<job files...>", "TypeScript files that export jobs")
    .addOption(new Option("-o, --output <format>", "how").choices(["text", "mermaid", "json"]).default("text"))
    .addHelpText(
      "after",
      examples("mulgil describe jobs/bank/account-months.ts", "mulgil describe jobs/bank/*.ts -o mermaid > plan.mmd"),
    )
    .action(describeFiles);
}

async function describeFiles(files: readonly string[], { output }: { readonly output: Format }): Promise<void> {
  const { compile, describe } = await engine();
  const plans = (await loadJobs(files)).flatMap(({ jobs }) => jobs).map(compile);
  const texts = plans.map((plan) => describe(plan, output));
  const out = new TextOutput(process.stdout);
  // Several jobs in JSON are several documents, as jq reads them.
  await out.line(texts.join(output === "json" ? "\n" : "\n\n"));
  await out.flush();
}
