import type { Plan, PlannedTopic, TopicRole } from "../plan/plan.ts";
import { replayableInputs } from "../plan/replay-topics.ts";
import { CONTROL } from "../worker/control-records.ts";
import { DEPLOYMENTS } from "../worker/deployments.ts";
import type { TopicsPolicy } from "../worker/job-topics.ts";
import { PLANS } from "../worker/remembered-plans.ts";
import { transactionalId } from "../worker/task-id.ts";
import { AUDIT } from "./audit.ts";

/** As Kafka calls them. Read, Write, Delete and Alter imply Describe, and AlterConfigs implies DescribeConfigs. */
export type AclOperation = "Read" | "Write" | "Create" | "Delete" | "DescribeConfigs" | "AlterConfigs";

/** Rights on one thing. */
export interface AclGrant {
  readonly resource: "topic" | "group" | "transactional-id";
  readonly name: string;
  /** "prefixed": on all whose names begin so. */
  readonly pattern: "literal" | "prefixed";
  readonly operations: readonly AclOperation[];
  /** What the job needs them for. */
  readonly why: string;
}

export interface AclOptions {
  /** "verify" for a job that makes no topics: somebody else has made them. */
  readonly topics: TopicsPolicy;
  /** Whether the job is started with --deployed. */
  readonly onlyDeployed: boolean;
}

interface Rights {
  readonly operations: readonly AclOperation[];
  readonly why: string;
}

/** What a running job does with its topics. A start describes the configuration of all topics that it sees. */
const RIGHTS: Readonly<Record<TopicRole, Rights>> = {
  source: { operations: ["Read", "DescribeConfigs"], why: "reads" },
  sink: { operations: ["Write", "DescribeConfigs"], why: "writes" },
  dlq: { operations: ["Write", "DescribeConfigs"], why: "writes" },
  changelog: { operations: ["Read", "Write", "DescribeConfigs"], why: "writes state, and restores it" },
  circuits: { operations: ["Read", "Write", "DescribeConfigs"], why: "tells other workers of institutions" },
  repartition: { operations: ["Read", "Write", "Delete", "DescribeConfigs"], why: "writes, reads, and purges records" },
  retry: { operations: ["Read", "Write", "Delete", "DescribeConfigs"], why: "writes, reads, and purges records" },
};

/** The rights that a job needs on Kafka, and no more; `test/kafka/acl.test.ts` shows that it runs with them. The group is called like the job. */
export function aclsOf(plan: Plan, { topics, onlyDeployed }: AclOptions): readonly AclGrant[] {
  const literal = (name: string, { operations, why }: Rights, isMade: boolean): AclGrant => ({
    ...{ resource: "topic", name, pattern: "literal", why },
    operations: isMade && topics === "ensure" ? [...operations, "Create"] : operations,
  });
  const own = plan.topics.map((topic) => literal(topic.topic, rightsOn(topic, topics), topic.role !== "source"));
  const plans: Rights = { operations: ["Read", "Write", "DescribeConfigs"], why: "remembers what ran last" };
  const deployments: Rights = { operations: ["Read", "DescribeConfigs"], why: "looks up what was deployed" };
  const orders: Rights = {
    operations: ["Read", "Write", "DescribeConfigs"],
    why: "hears orders, and answers them; runs without, and hears none",
  };
  const audit: Rights = {
    operations: ["Write", "DescribeConfigs"],
    why: "records whom its state is revealed to; runs without, and reveals nothing",
  };
  const hasState = plan.subTopologies.some(({ stores }) => stores.length > 0);
  const replays: Rights = { operations: ["Read", "Delete", "DescribeConfigs"], why: "processes what is replayed" };
  const replayed = new Set(
    plan.subTopologies.flatMap((part) => replayableInputs(plan, part).map(({ replayTopic }) => replayTopic)),
  );
  return [
    ...own,
    // Whoever replays makes them.
    ...[...replayed].map((topic) => literal(topic, replays, false)),
    literal(CONTROL.topic, orders, true),
    literal(PLANS.topic, plans, true),
    ...(hasState ? [literal(AUDIT.topic, audit, true)] : []),
    ...(onlyDeployed ? [literal(DEPLOYMENTS.topic, deployments, false)] : []),
    { resource: "group", name: plan.job, pattern: "literal", operations: ["Read"], why: "shares tasks and commits" },
    ...(plan.delivery === "exactly-once" ? [transactions(plan.job)] : []),
  ];
}

/** A version with a longer grace raises the retention of its windows' changelogs; nothing else is ever changed. */
function rightsOn({ role, retentionMs }: PlannedTopic, topics: TopicsPolicy): Rights {
  const { operations, why } = RIGHTS[role];
  if (topics === "verify" || role !== "changelog" || retentionMs === -1) return { operations, why };
  return { operations: ["Read", "Write", "AlterConfigs"], why: `${why}; raises its retention` };
}

const transactions = (job: string): AclGrant => ({
  ...{ resource: "transactional-id", name: transactionalId(job, ""), pattern: "prefixed" },
  operations: ["Write"],
  why: "commits in transactions, one id a task",
});
