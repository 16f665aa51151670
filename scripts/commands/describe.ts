import { type Command, Option } from "commander";
import type { Deployment } from "../../runtime/worker/deployments.ts";
import { engine } from "../environment/engine.ts";
import type { LogLocation } from "../environment/open-log.ts";
import { type WantedPlan, wantedPlans } from "../job-files/wanted-plans.ts";
import { formatted } from "../output/formatted.ts";
import { TextOutput } from "../output/text-output.ts";
import { examples, located } from "./options.ts";

type Format = "text" | "mermaid" | "json" | "yaml";

interface DescribeOptions extends LogLocation {
  readonly output: Format;
}

export function addDescribe(program: Command): void {
  located(program.command("describe"))
    .description("print the plan of some jobs: what reads and writes what, topics, stores")
    .argument("<jobs...>", "TypeScript files that export jobs, or names of jobs that were deployed or have run")
    .addOption(new Option("-o, --output <format>", "how").choices(["text", "mermaid", "json", "yaml"]).default("text"))
    .addHelpText(
      "after",
      examples(
        "mulgil describe jobs/bank/account-months.ts",
        "mulgil describe account-months -o json | jq '.deployment.schemas[].subject'",
        "mulgil describe jobs/bank/*.ts -o mermaid > plan.mmd",
      ),
    )
    .action(describeJobs);
}

async function describeJobs(named: readonly string[], { output, ...where }: DescribeOptions): Promise<void> {
  const { describe } = await engine();
  const texts = (await wantedPlans(named, where)).map((wanted) => {
    if (output === "json" || output === "yaml") return formatted(planView(wanted), output, () => "");
    const text = describe(wanted.plan, output);
    return output === "text" ? `${text}${originText(wanted)}` : text;
  });
  const out = new TextOutput(process.stdout);
  // Several jobs are several documents, as jq and YAML read them.
  await out.line(texts.join(SEPARATORS[output]));
  await out.flush();
}

const SEPARATORS: Readonly<Record<Format, string>> = { text: "\n\n", mermaid: "\n\n", json: "\n", yaml: "\n---\n" };

/** The plan, and what was registered with it. */
function planView({ plan, deployment }: WantedPlan) {
  if (deployment === undefined) return plan;
  const { plan: _same, atMs, ...rest } = deployment;
  return { ...plan, deployment: { at: new Date(atMs).toISOString(), ...rest } };
}

function originText({ from, deployment }: WantedPlan): string {
  if (from === "ran") return "\n\nnot deployed: this is the plan that it last ran by";
  return deployment === undefined ? "" : `\n\n${deploymentText(deployment)}`;
}

function deploymentText({ schemas, droppedStores, atMs, by, why }: Deployment): string {
  return [
    `deployed ${new Date(atMs).toISOString()} by ${by}: ${why}`,
    ...schemas.map(
      ({ subject, use, id }) => `  ${use.padEnd(12)}${subject}  (${id === undefined ? "not registered" : `id ${id}`})`,
    ),
    ...droppedStores.map((store) => `  drops       ${store}`),
  ].join("\n");
}
