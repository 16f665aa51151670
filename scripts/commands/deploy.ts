import type { Command } from "commander";
import { type AssessedJob, assessDeployment, deployJobs } from "../../runtime/ops/deploy-jobs.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type ChangeEntry, type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { deployPreview } from "../deploy/deploy-text.ts";
import { type LogLocation, withLogAndRegistry } from "../environment/open-log.ts";
import { loadJobs } from "../job-files/load-jobs.ts";
import { TextOutput } from "../output/text-output.ts";
import { dropStoreOption, examples, located, topicsOption } from "./options.ts";

interface DeployOptions extends LogLocation, ChangeOptions {
  readonly topics: "ensure" | "verify";
  readonly dropStore: readonly string[];
}

export function addDeploy(program: Command): void {
  changeOptions(located(program.command("deploy")))
    .description("register a version of some jobs: check it, register its schemas, make its topics; it does not run it")
    .argument("<job files...>", "TypeScript files that export jobs")
    .addOption(topicsOption())
    .addOption(dropStoreOption())
    .addHelpText(
      "after",
      examples(
        "mulgil deploy jobs/bank/*.ts --dry-run",
        'mulgil deploy jobs/bank/*.ts --why "totals by month" && mulgil run jobs/bank/*.ts --deployed',
      ),
    )
    .action(deploy);
}

async function deploy(files: readonly string[], options: DeployOptions): Promise<void> {
  const { topics, dropStore: droppedStores, dryRun: _dry, yes: _yes, why: _why, ...where } = options;
  const jobs = (await loadJobs(files)).flatMap((loaded) => loaded.jobs);
  const out = new TextOutput(process.stdout);
  await withLogAndRegistry(where, async ({ log, registry }) => {
    const assessment = await assessDeployment({ log, registry, jobs, topics, droppedStores });
    const fresh = assessment.jobs.filter(({ isCurrent }) => !isCurrent);
    if (fresh.length === 0 && assessment.missingTopics.length === 0) {
      for (const line of deployPreview(assessment)) await out.line(line);
      return;
    }
    const change = {
      action: "deploy",
      target: assessment.jobs.map(({ plan }) => `job ${plan.job}`).join(", "),
      preview: deployPreview(assessment),
      before: assessment.jobs.map(({ before, plan }) => summary(plan.job, before?.plan)),
      after: assessment.jobs.map(({ plan }) => summary(plan.job, plan)),
      apply: (order: ChangeEntry) =>
        deployJobs({ log, registry, topics }, assessment.jobs, { ...order, atMs: systemClock.now() }),
    };
    const done = await carryOut(log, change, options);
    for (const { plan } of done ?? []) await out.line(`deployed ${plan.job}, version ${plan.version}`);
  });
  await out.flush();
}

const summary = (job: string, plan: AssessedJob["plan"] | undefined) =>
  plan === undefined ? { job } : { job, version: plan.version, plan: plan.hash };
