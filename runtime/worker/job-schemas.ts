import { type SchemaRegistry, subjectOfValue } from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import type { Job } from "../dsl/define-job.ts";
import type { Plan } from "../plan/plan.ts";
import type { DeployedSchema } from "./deployments.ts";
import { prepareJob } from "./job-runtime.ts";

/** The schemas of a job, before any of them is registered. */
export type JobSchema = Omit<DeployedSchema, "id">;

/** Every schema by which a job reads or writes, by subject: those that its start registers, and those of its sources. Registers nothing. */
export async function jobSchemas(job: Job, plan: Plan, registry: SchemaRegistry): Promise<readonly JobSchema[]> {
  const written = new Map<string, AvroJson>();
  const recording: SchemaRegistry = {
    register: async (subject, avro) => {
      written.set(subject, avro);
      return 0;
    },
    schemaById: (id) => registry.schemaById(id),
    latest: (subject) => registry.latest(subject),
    versions: (subject) => registry.versions(subject),
    subjects: () => registry.subjects(),
    compatibilityOf: (subject) => registry.compatibilityOf(subject),
  };
  await prepareJob({ job, plan, partitionCounts: new Map(), registry: recording });
  const read = job.topology.nodes.flatMap((node): readonly JobSchema[] => {
    if (node.kind !== "source" && node.kind !== "table") return [];
    const subject = subjectOfValue(node.topic.name);
    return written.has(subject) ? [] : [{ subject, use: "reads", avro: node.topic.value.avro }];
  });
  return [...read, ...[...written].map(([subject, avro]): JobSchema => ({ subject, use: "writes", avro }))];
}
