import type { AvroJson } from "../../schemas/schema.ts";
import { ConfigError, type Issue } from "../errors/errors.ts";
import type { LogAccess, TopicSpec } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import type { Plan } from "../plan/plan.ts";

const DEPLOYMENTS_TOPIC = "mulgil.deployments";
/** Remembers the version of each job that is to run: a compacted topic of one partition, job name to `Deployment` as JSON. */
export const DEPLOYMENTS: TopicSpec = {
  topic: DEPLOYMENTS_TOPIC,
  partitions: 1,
  config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 },
  // A plan with all its schemas, as text.
  batchBytesMax: 16 * 1024 * 1024,
};

/** A version of a job as it was registered: all that must be known to show it without its sources. */
export interface Deployment {
  readonly plan: Plan;
  readonly schemas: readonly DeployedSchema[];
  /** Stores of a former version whose state may be forgotten when this one starts. */
  readonly droppedStores: readonly string[];
  readonly atMs: number;
  /** "ana@box-1" */
  readonly by: string;
  readonly why: string;
}

export interface DeployedSchema {
  readonly subject: string;
  /** "reads": of a topic that the job reads only. "writes": registered for the job, which may also read it back. */
  readonly use: "reads" | "writes";
  /** In the registry; undefined of a schema that only the job reads by, and that nobody has registered. */
  readonly id?: number;
  readonly avro: AvroJson;
}

/** By job. */
export type Deployments = ReadonlyMap<string, Deployment>;

export async function readDeployments(log: LogAccess): Promise<Deployments> {
  const found = new Map<string, Deployment>();
  if (!(await log.describeTopics()).some(({ topic }) => topic === DEPLOYMENTS_TOPIC)) return found;
  for (const { key, value } of await readPartition(log, { topic: DEPLOYMENTS_TOPIC, partition: 0 })) {
    if (key === null) continue;
    if (value === null) found.delete(key.toString());
    else found.set(key.toString(), JSON.parse(value.toString()) as Deployment);
  }
  return found;
}

/** The topic must be there. */
export async function rememberDeployments(log: LogAccess, deployments: readonly Deployment[]): Promise<void> {
  const records = deployments.map((deployment) => ({
    key: Buffer.from(deployment.plan.job),
    value: Buffer.from(JSON.stringify(deployment)),
    timestampMs: deployment.atMs,
  }));
  await log.produce([{ topic: DEPLOYMENTS_TOPIC, partition: 0, records }]);
}

export async function forgetDeployment(log: LogAccess, job: string, atMs: number): Promise<void> {
  await log.produce([
    { topic: DEPLOYMENTS_TOPIC, partition: 0, records: [{ key: Buffer.from(job), value: null, timestampMs: atMs }] },
  ]);
}

/**
 * For starts that run nothing but what was deployed.
 * @returns the stores whose state may be forgotten, as their deployments say
 * @throws {ConfigError} DEPLOY_MISSING, DEPLOY_DIFFERS
 */
export async function assertDeployed(log: LogAccess, plans: readonly Plan[]): Promise<readonly string[]> {
  const deployments = await readDeployments(log);
  const issues = plans.flatMap((plan) => differences(plan, deployments.get(plan.job)));
  if (issues.length > 0) throw new ConfigError("only what was deployed may run:", issues);
  return plans.flatMap(({ job }) => deployments.get(job)!.droppedStores);
}

function differences(plan: Plan, deployed: Deployment | undefined): readonly Issue[] {
  const at = `job ${plan.job}`;
  if (deployed === undefined) {
    const message = "it was never deployed here: register it with mulgil deploy, or run it without --deployed";
    return [{ code: "DEPLOY_MISSING", at, message }];
  }
  const { version, hash } = deployed.plan;
  if (hash === plan.hash && version === plan.version) return [];
  const message = `version ${version} with plan ${hash} is deployed, and this is version ${plan.version} with plan ${plan.hash}: run the files that were deployed, or register these with mulgil deploy`;
  return [{ code: "DEPLOY_DIFFERS", at, message }];
}
