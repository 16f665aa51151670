import { type Command, Option } from "commander";
import { assessRemoval, type Removal, type RemovedTopic, remove } from "../../runtime/ops/undeploy-job.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { TextOutput } from "../output/text-output.ts";
import { examples, located } from "./options.ts";

interface UndeployOptions extends LogLocation, ChangeOptions {
  readonly keepState?: true;
  readonly dlq?: true;
}

export function addUndeploy(program: Command): void {
  changeOptions(located(program.command("undeploy")))
    .description("take a job away that nobody runs: its state, what is on its way inside it, its offsets and its plan")
    .argument("<job>", "the name of the job")
    .option("--keep-state", "only forget that it is deployed: state, offsets and the plan that they fit stay")
    .addOption(new Option("--dlq", "delete its dead letters, too").conflicts("keepState"))
    .addHelpText(
      "after",
      examples("mulgil undeploy account-months --dry-run", 'mulgil undeploy account-months --why "replaced by totals"'),
    )
    .action(undeploy);
}

async function undeploy(job: string, options: UndeployOptions): Promise<void> {
  const { keepState = false, dlq = false, dryRun: _dry, yes: _yes, why: _why, ...where } = options;
  assertLogExists(where);
  const out = new TextOutput(process.stdout);
  await withLog(where, async ({ log }) => {
    const removal = await assessRemoval(log, job, { keepState, dlq });
    const change = {
      action: "undeploy",
      target: `job ${job}`,
      preview: removalPreview(removal),
      before: {
        deployed: removal.deployment?.plan.version,
        ran: removal.ran?.version,
        topics: removal.deletedTopics.map(({ topic, records }) => ({ topic, records })),
        offsets: removal.offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
      },
      after: { kept: removal.keptTopics.map(({ topic }) => topic) },
      apply: async () => {
        await remove(log, removal, systemClock.now());
        return true;
      },
    };
    if (await carryOut(log, change, options)) await out.line(`undeployed ${job}`);
  });
  await out.flush();
}

function removalPreview({
  job,
  deployment,
  ran,
  deletedTopics,
  keptTopics,
  offsets,
  keepsState,
}: Removal): readonly string[] {
  const deployed = deployment === undefined ? "not deployed" : `deployed as version ${deployment.plan.version}`;
  const run = ran === undefined ? "never ran" : `last ran as version ${ran.version}`;
  const plan = keepsState || ran === undefined ? [] : ["  - the plan that it last ran by"];
  return [
    `job ${job}: ${deployed}, ${run}`,
    ...(deployment === undefined ? [] : ["  - its deployment"]),
    ...plan,
    ...deletedTopics.map((topic) => `  - topic ${topicText(topic)}`),
    ...(offsets.length === 0 ? [] : [`  - group ${job}, with ${offsetsText(offsets)}`]),
    ...keptTopics.map((topic) => `    topic ${topicText(topic)} stays`),
    ...(keepsState ? ["    its group, its offsets and the plan that its state fits stay"] : []),
  ];
}

const topicText = ({ topic, role, records }: RemovedTopic): string =>
  `${topic} (${role}, ${records === 1 ? "1 record" : `${records.toLocaleString("en-US")} records`})`;

/** By topic: "the offsets of events (4 partitions)". */
function offsetsText(offsets: Removal["offsets"]): string {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)];
  return `the offsets of ${topics.map(([topic, own]) => `${topic} (${own.map(({ partition, offset }) => `${partition}: ${offset}`).join(", ")})`).join("; ")}`;
}
