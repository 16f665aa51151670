import type { TopicSpec } from "../../runtime/log/port.ts";
import type { AssessedSchema } from "../../runtime/ops/assess-schemas.ts";
import type { AssessedJob, Assessment } from "../../runtime/ops/deploy-jobs.ts";
import type { PlanChange } from "../../runtime/plan/diff-plans.ts";
import type { SchemaChange } from "../../schemas/schema-diff.ts";

const SIGN = { added: "+", removed: "-", changed: "~" } as const;

/** What a deployment would change, a line each. */
export function deployPreview({ jobs, missingTopics }: Assessment): readonly string[] {
  return [
    ...jobs.flatMap(jobLines),
    ...(missingTopics.length === 0 ? [] : ["topics to make", ...missingTopics.map(topicLine)]),
  ];
}

function jobLines(assessed: AssessedJob): readonly string[] {
  const { changes, schemas, droppedStores } = assessed;
  const drops = droppedStores.map((store) => `  - state of store ${store}, when the job starts with --deployed`);
  const registered = schemas.flatMap(schemaLines);
  return [headLine(assessed), ...changes.map(planChangeLine), ...drops, ...registered];
}

function headLine({ plan, before, ran, isCurrent, changes }: AssessedJob): string {
  const now = `version ${plan.version}, plan ${plan.hash}`;
  if (isCurrent) return `job ${plan.job}: ${now}, is deployed already`;
  const former = before?.plan ?? ran;
  if (former === undefined) return `job ${plan.job}: ${now}, is new`;
  const what = before === undefined ? "ran without being deployed" : "is deployed";
  const same = changes.length === 0 ? "; the plans are the same" : "";
  return `job ${plan.job}: ${now}; version ${former.version}, plan ${former.hash}, ${what}${same}`;
}

const planChangeLine = ({ what, name, change, before, after }: PlanChange): string =>
  `  ${SIGN[change]} ${what} ${name}: ${[before, after].filter((text) => text !== undefined).join(" → ")}`;

function schemaLines({ subject, use, versions, id, changes }: AssessedSchema): readonly string[] {
  if (use === "reads" || id !== undefined) return [];
  const latest = versions.at(-1);
  if (latest === undefined) return [`  + schema ${subject}: version 1`];
  return [
    `  ~ schema ${subject}: version ${latest.version} → ${latest.version + 1}`,
    ...changes.map((change) => `    ${schemaChangeLine(change)}`),
  ];
}

export const schemaChangeLine = ({ path, change, before, after }: SchemaChange): string =>
  `${SIGN[change]} ${path}: ${[before, after].filter((text) => text !== undefined).join(" → ")}`;

const topicLine = ({ topic, partitions, config }: TopicSpec): string =>
  `  + ${topic}: ${partitions} ${partitions === 1 ? "partition" : "partitions"}, ${config.cleanupPolicy}`;
