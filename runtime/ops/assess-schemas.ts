import { canonicalText } from "../../schemas/canonical-text.ts";
import { checkVersions, type VersionIssue } from "../../schemas/compatible-versions.ts";
import type { RegisteredSchema, SchemaRegistry } from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { type SchemaChange, schemaDiff } from "../../schemas/schema-diff.ts";
import type { Job } from "../dsl/define-job.ts";
import type { Issue } from "../errors/errors.ts";
import type { LogAccess } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { type JobSchema, jobSchemas } from "../worker/job-schemas.ts";
import { carriedSchemas } from "./carried-schemas.ts";

export interface AssessedSchema extends JobSchema {
  /** In the registry, oldest first. */
  readonly versions: readonly RegisteredSchema[];
  /** Undefined if it would be registered, or is only read by. */
  readonly id: number | undefined;
  /** Against the latest version; empty without one. */
  readonly changes: readonly SchemaChange[];
}

/** The schemas of a job, beside what is registered, and what speaks against them. */
export async function assessedSchemas(
  { log, registry }: { readonly log: LogAccess; readonly registry: SchemaRegistry },
  job: Job,
  plan: Plan,
): Promise<{ readonly schemas: readonly AssessedSchema[]; readonly issues: readonly Issue[] }> {
  const existing = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic]));
  const schemas: AssessedSchema[] = [];
  const issues: Issue[] = [];
  for (const schema of await jobSchemas(job, plan, registry)) {
    const { subject, use, avro } = schema;
    const versions = await registry.versions(subject);
    const carried = await carriedSchemas(log, existing.get(topicOf(subject)));
    // What is only read is not registered, so no rule holds for it but that it can be read.
    const rule = use === "reads" ? "NONE" : await registry.compatibilityOf(subject);
    const found = checkVersions({ avro, versions, rule, carried });
    issues.push(...found.map((issue) => incompatible(plan.job, subject, issue)));
    const latest = versions.at(-1);
    schemas.push({
      ...schema,
      versions,
      id: idOf(versions, avro),
      changes: latest === undefined || use === "reads" ? [] : schemaDiff(latest.avro, avro),
    });
  }
  return { schemas, issues };
}

const topicOf = (subject: string): string => subject.replace(/-(?:value|key)$/, "");

function idOf(versions: readonly RegisteredSchema[], avro: AvroJson): number | undefined {
  const text = canonicalText(avro);
  return versions.find((version) => canonicalText(version.avro) === text)?.id;
}

const incompatible = (job: string, subject: string, { version, direction, path, message }: VersionIssue): Issue => ({
  code: "SCHEMA_INCOMPATIBLE",
  at: `job ${job}, ${subject}`,
  message:
    direction === "reads"
      ? `${path}: records of version ${version} could not be read: ${message}`
      : `${path}: readers with version ${version} could not read what is written: ${message}`,
});
