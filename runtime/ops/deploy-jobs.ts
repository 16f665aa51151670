import { canonicalText } from "../../schemas/canonical-text.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Job } from "../dsl/define-job.ts";
import { ConfigError, type Issue } from "../errors/errors.ts";
import type { LogAccess, TopicSpec } from "../log/port.ts";
import { compileAll } from "../plan/compile-all.ts";
import { diffPlans, type PlanChange } from "../plan/diff-plans.ts";
import type { Plan } from "../plan/plan.ts";
import {
  DEPLOYMENTS,
  type DeployedSchema,
  type Deployment,
  readDeployments,
  rememberDeployments,
} from "../worker/deployments.ts";
import { ensureJobTopics, type TopicsPolicy } from "../worker/job-topics.ts";
import { comparedPlans, PLANS, readPlans } from "../worker/remembered-plans.ts";
import { topicsToMake } from "../worker/topics-to-make.ts";
import { verifyJobTopics } from "../worker/verify-job-topics.ts";
import { type AssessedSchema, assessedSchemas } from "./assess-schemas.ts";
import { AUDIT } from "./audit.ts";

export interface AssessOptions {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly jobs: readonly Job[];
  readonly topics: TopicsPolicy;
  /** Stores of a former version whose state may be forgotten. */
  readonly droppedStores: readonly string[];
}

/** What a deployment would change; nothing speaks against it. */
export interface Assessment {
  readonly jobs: readonly AssessedJob[];
  readonly missingTopics: readonly TopicSpec[];
}

export interface AssessedJob {
  readonly plan: Plan;
  /** As it is deployed now. */
  readonly before: Deployment | undefined;
  /** The plan that it last ran by. */
  readonly ran: Plan | undefined;
  /** Against what is deployed; else against what ran last. */
  readonly changes: readonly PlanChange[];
  readonly schemas: readonly AssessedSchema[];
  readonly droppedStores: readonly string[];
  /** Deployed just so already. */
  readonly isCurrent: boolean;
}

/**
 * Looks at what a deployment of some jobs would change. Changes nothing.
 * @throws {DefinitionError} JOB_… if a job is wrong
 * @throws {ConfigError} with everything that speaks against it: PLAN_… (state would be misread or lost), TOPIC_…, SCHEMA_INCOMPATIBLE,
 * DEPLOY_VERSION if the version is deployed already with another plan
 */
export async function assessDeployment(options: AssessOptions): Promise<Assessment> {
  const { log, jobs, droppedStores } = options;
  const plans = compileAll(jobs);
  const [deployments, ran] = [await readDeployments(log), await readPlans(log)];
  const schemas = await Promise.all(jobs.map((job, index) => assessedSchemas(options, job, plans[index]!)));
  const topics = await checkedTopics(options, plans);
  const issues = [
    ...plans.flatMap((plan) => versionIssues(plan, deployments.get(plan.job)?.plan)),
    ...(await issuesOf(() => comparedPlans(log, plans, droppedStores))),
    ...topics.issues,
    ...schemas.flatMap((each) => each.issues),
  ];
  if (issues.length > 0) throw new ConfigError("this cannot be deployed:", issues);
  const assessed = plans.map((plan, index) =>
    assessedJob({
      plan,
      before: deployments.get(plan.job),
      ran: ran.get(plan.job),
      schemas: schemas[index]!.schemas,
      droppedStores,
    }),
  );
  return { jobs: assessed, missingTopics: topics.missing };
}

/** Registers the schemas, makes the topics, and remembers the deployments, in this order: one that is remembered is complete. May be repeated. */
export async function deployJobs(
  { log, registry, topics }: Pick<AssessOptions, "log" | "registry" | "topics">,
  assessed: readonly AssessedJob[],
  order: Pick<Deployment, "atMs" | "by" | "why">,
): Promise<readonly Deployment[]> {
  const deployments: Deployment[] = [];
  for (const { plan, schemas, droppedStores } of assessed)
    deployments.push({ plan, schemas: await registered(registry, schemas), droppedStores, ...order });
  if (topics === "ensure") {
    await log.ensureTopics([PLANS, DEPLOYMENTS]);
    await ensureJobTopics(
      log,
      assessed.map(({ plan }) => plan),
    );
  }
  await rememberDeployments(log, deployments);
  return deployments;
}

async function registered(
  registry: SchemaRegistry,
  schemas: readonly AssessedSchema[],
): Promise<readonly DeployedSchema[]> {
  const all: DeployedSchema[] = [];
  for (const { subject, use, avro, id: known } of schemas) {
    const id = use === "writes" ? await registry.register(subject, avro) : known;
    all.push({ subject, use, avro, ...(id !== undefined && { id }) });
  }
  return all;
}

function assessedJob(job: Omit<AssessedJob, "changes" | "isCurrent">): AssessedJob {
  const { plan, before, ran, droppedStores } = job;
  const isCurrent =
    before !== undefined &&
    before.plan.hash === plan.hash &&
    before.plan.version === plan.version &&
    before.plan.standbys === plan.standbys &&
    sameTexts(before.droppedStores, droppedStores) &&
    sameTexts(schemaTexts(before.schemas), schemaTexts(job.schemas));
  return { ...job, isCurrent, changes: diffPlans(before?.plan ?? ran, plan) };
}

const schemaTexts = (schemas: readonly DeployedSchema[] | readonly AssessedSchema[]): readonly string[] =>
  schemas.map(({ subject, use, avro }) => `${subject} ${use} ${canonicalText(avro)}`);

const sameTexts = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text) => right.includes(text));

/** The version is what people tell deployments apart by. */
function versionIssues(plan: Plan, deployed: Plan | undefined): readonly Issue[] {
  if (deployed === undefined || deployed.version !== plan.version || deployed.hash === plan.hash) return [];
  const message = `version ${plan.version} is deployed already, with another plan: count the version of the job up`;
  return [{ code: "DEPLOY_VERSION", at: `job ${plan.job}`, message }];
}

async function checkedTopics({ log, topics }: AssessOptions, plans: readonly Plan[]) {
  if (topics === "ensure") return await topicsToMake(log, plans);
  const shared = [PLANS, DEPLOYMENTS, AUDIT];
  // The former version may be running: that the state of a store is gone is the start's to check.
  return { missing: [], issues: await issuesOf(() => verifyJobTopics({ log, plans, forgotten: [], shared })) };
}

/** Of a check that throws them all together. */
async function issuesOf(check: () => Promise<unknown>): Promise<readonly Issue[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues;
  }
}
