import type { Command } from "commander";
import { type KnownJob, knownJobs } from "../../runtime/ops/known-jobs.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { table } from "../output/table.ts";
import { examples, located } from "./options.ts";

interface JobsOptions extends LogLocation {
  readonly output: OutputFormat;
}

export function addJobs(program: Command): void {
  located(program.command("jobs"))
    .description("list the jobs that were deployed here, or have run")
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples("mulgil jobs", "mulgil jobs -o json | jq -r '.[] | select(.runsDeployed == false).job'"),
    )
    .action(jobs);
}

async function jobs({ output, ...where }: JobsOptions): Promise<void> {
  assertLogExists(where);
  const found = await withLog(where, ({ log }) => knownJobs(log));
  await printFormatted(found.map(jobView), output, (all) =>
    all.length === 0 ? "no job was deployed here yet, and none has run" : jobsTable(all),
  );
}

/** What is not known is left out. */
function jobView({ job, deployment, ran, tasks, group, members }: KnownJob) {
  const plan = (deployment?.plan ?? ran)!;
  const { version, hash, delivery, standbys, subTopologies } = plan;
  return {
    job,
    version,
    plan: hash,
    deployed: deployment && {
      at: new Date(deployment.atMs).toISOString(),
      by: deployment.by,
      why: deployment.why,
    },
    lastRan: ran && { version: ran.version, plan: ran.hash },
    /** Undefined if it was not deployed, or has not run yet. */
    runsDeployed: deployment && ran && ran.hash === hash && ran.version === version,
    ...{ delivery, standbys, tasks },
    stores: subTopologies.flatMap(({ stores }) => stores.map(({ name }) => name)),
    ...{ group, members },
  };
}

const jobsTable = (all: readonly ReturnType<typeof jobView>[]): string =>
  table(
    ["job", "version", "deployed", "by", "last ran", "delivery", "tasks", "stores", "group", "members"],
    all.map(({ job, version, deployed, lastRan, runsDeployed, delivery, tasks, stores, group, members }) => [
      job,
      String(version),
      deployed?.at ?? "no",
      deployed?.by ?? "-",
      lastRan === undefined ? "-" : `version ${lastRan.version}${runsDeployed === false ? ", another plan" : ""}`,
      delivery,
      String(tasks),
      String(stores.length),
      group,
      String(members),
    ]),
    ["version", "tasks", "stores", "members"],
  );
