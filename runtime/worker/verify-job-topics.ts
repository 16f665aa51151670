import { ConfigError, type Issue } from "../errors/errors.ts";
import type { LogAccess, TopicConfig, TopicSpec } from "../log/port.ts";
import type { Plan, PlannedTopic } from "../plan/plan.ts";
import { asMade, byName, type PartitionCounts, resolve, spec, type Topics } from "./job-topics.ts";
import { PLANS } from "./remembered-plans.ts";
import { alterCommand, createCommand } from "./topic-commands.ts";

export interface VerifyOptions {
  readonly log: LogAccess;
  readonly plans: readonly Plan[];
  /** Changelogs whose state the user has given up. */
  readonly forgotten: readonly string[];
  /** Topics that all jobs share and whose existence is checked, too. @default that of the plans */
  readonly shared?: readonly TopicSpec[];
}

/**
 * Checks the topics of some jobs that start together, and changes nothing: for clusters where a job may not make topics.
 * @throws {ConfigError} TOPIC_MISSING, TOPIC_CONFIG, TOPIC_FORGOTTEN, TOPIC_COPARTITION, TOPIC_PARTITIONS with everything that is missing or wrong,
 * each with the command that mends it
 */
export async function verifyJobTopics({
  log,
  plans,
  forgotten,
  shared = [PLANS],
}: VerifyOptions): Promise<ReadonlyMap<string, PartitionCounts>> {
  const existing = byName(await log.describeTopics());
  const external = plans.flatMap(({ job, topics }) =>
    topics.filter(isExternal).map((topic) => ({ job, spec: spec(topic, topic.partitions as number) })),
  );
  // As if somebody had made what is missing already: so that everything comes out at once.
  const assumed = new Map([...external.map((each) => [each.spec.topic, asMade(each.spec)] as const), ...existing]);
  const resolved = plans.map((plan) => resolve(plan, assumed));
  const internal = plans.flatMap(({ job }, index) => resolved[index]!.internal.map((each) => ({ job, spec: each })));
  const missing = [...external, ...internal, ...shared.map((each) => ({ job: undefined, spec: each }))].filter(
    (each, index, all) =>
      !existing.has(each.spec.topic) && all.findIndex(({ spec: { topic } }) => topic === each.spec.topic) === index,
  );
  const issues = [
    ...missing.map(({ job, spec: wanted }) => missingIssue(job, wanted)),
    ...resolved.flatMap((result) => result.issues),
    ...internal.flatMap(({ job, spec: wanted }) => configIssues(job, wanted, existing)),
    ...(await forgottenIssues(log, forgotten, existing)),
  ];
  if (issues.length > 0)
    throw new ConfigError(
      "the topics are only verified, and these do not fit (the commands need --bootstrap-server):",
      issues,
    );
  return new Map(plans.map((plan, index) => [plan.job, resolved[index]!.counts]));
}

const isExternal = ({ role }: PlannedTopic): boolean => role === "source" || role === "sink" || role === "dlq";

const at = (job: string | undefined): string => (job === undefined ? "all jobs" : `job ${job}`);

const missingIssue = (job: string | undefined, wanted: TopicSpec): Issue => ({
  code: "TOPIC_MISSING",
  at: at(job),
  message: `topic "${wanted.topic}" does not exist: ${createCommand(wanted)}`,
});

/** Of topics that the job makes for itself elsewhere. Those of others keep what their owners say. */
function configIssues(job: string, { topic, config }: TopicSpec, existing: Topics): Issue[] {
  const found = existing.get(topic)?.config;
  const wrong = found === undefined ? [] : wrongSettings(config, found);
  if (wrong.length === 0) return [];
  const differences = wrong.map(({ name, is, needs }) => `${name} ${is} instead of ${needs}`).join(", ");
  const settings = Object.fromEntries(wrong.map(({ name, needs }) => [name, needs]));
  return [
    {
      code: "TOPIC_CONFIG",
      at: at(job),
      message: `topic "${topic}" has ${differences}, and would lose what the job needs: ${alterCommand(topic, settings)}`,
    },
  ];
}

function wrongSettings(wanted: TopicConfig, found: TopicConfig) {
  const settings = [
    { name: "cleanup.policy", is: found.cleanupPolicy, needs: wanted.cleanupPolicy, isWrong: differs(wanted, found) },
    {
      ...{ name: "retention.ms", is: String(found.retentionMs), needs: String(wanted.retentionMs) },
      isWrong: wanted.cleanupPolicy !== "compact" && isShorter(found.retentionMs, wanted.retentionMs),
    },
    {
      ...{ name: "delete.retention.ms", is: String(found.deleteRetentionMs), needs: String(wanted.deleteRetentionMs) },
      isWrong: wanted.cleanupPolicy !== "delete" && found.deleteRetentionMs < wanted.deleteRetentionMs,
    },
  ];
  return settings.filter(({ isWrong }) => isWrong);
}

const differs = (wanted: TopicConfig, found: TopicConfig): boolean => wanted.cleanupPolicy !== found.cleanupPolicy;

/** -1 keeps for ever. */
const isShorter = (foundMs: number, wantedMs: number): boolean =>
  foundMs !== -1 && (wantedMs === -1 || foundMs < wantedMs);

/** State that is given up must be gone, or it would be read again. */
async function forgottenIssues(log: LogAccess, forgotten: readonly string[], existing: Topics): Promise<Issue[]> {
  const issues: Issue[] = [];
  for (const topic of forgotten) {
    const count = existing.get(topic)?.partitions ?? 0;
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    const ends = await log.listOffsets(partitions, "latest", "read_uncommitted");
    if (ends.every(({ offset }) => offset === 0)) continue;
    issues.push({
      code: "TOPIC_FORGOTTEN",
      at: topic,
      message: `the changelog "${topic}" of a store that may be forgotten still has records: kafka-topics.sh --delete --topic ${topic}; then make it anew, empty`,
    });
  }
  return issues;
}
