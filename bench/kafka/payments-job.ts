import { MemoryLevel } from "memory-level";
import { count, sum } from "../../runtime/dsl/aggregators.ts";
import { defineJob, type Job } from "../../runtime/dsl/define-job.ts";
import type { Duration } from "../../runtime/dsl/duration.ts";
import { topic } from "../../runtime/dsl/topic.ts";
import type { Delivery } from "../../runtime/dsl/topology.ts";
import { tumbling } from "../../runtime/dsl/windows.ts";
import { compile } from "../../runtime/plan/compile.ts";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import { type SchemaRegistry, subjectOfValue } from "../../schemas/registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { paymentSchema, projectedFields, record } from "../engine-fixtures.ts";

/** Of every topic of these benchmarks. */
export const PARTITIONS = 8;

export interface Total {
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly payments: number;
  readonly total: number;
}

const millis = { type: "long", logicalType: "timestamp-millis" };

export const totalSchema: Schema<Total> = {
  avro: record("Total", [
    ["windowStartMs", millis],
    ["windowEndMs", millis],
    ["payments", "long"],
    ["total", "long"],
  ]),
};

export interface JobSettings {
  readonly name: string;
  readonly source: string;
  readonly delivery: Delivery;
  /** @default the job's default, 1 second */
  readonly commitEvery?: Duration;
}

export const outputOf = ({ name }: Pick<JobSettings, "name">): string => `${name}.totals`;

/** The job of engine-fixtures.ts, from a topic to a topic. */
export function paymentsJob(settings: JobSettings, onRecord: () => void = () => undefined): Job {
  const { name, delivery, commitEvery } = settings;
  const source = topic(settings.source, { value: paymentSchema, key: "customerId", eventTime: "occurredAt" });
  const totals = topic(outputOf(settings), { value: totalSchema, keyType: "string", partitions: PARTITIONS });
  return defineJob({
    ...{ name, delivery, version: 1 },
    ...(commitEvery !== undefined && { commitEvery }),
    flow(from) {
      from(source, { fields: [...projectedFields] })
        .filter((payment) => {
          onRecord();
          return payment.status === "APPROVED";
        })
        .window(tumbling("10 minutes", { grace: "1 minute" }))
        .aggregate("totals", { payments: count(), total: sum((payment) => payment.amount) })
        .to(totals);
    },
  });
}

/** The topics that only this job uses. */
export function topicsOfJob(settings: JobSettings): { readonly output: string; readonly changelog: string } {
  const changelog = compile(paymentsJob(settings)).topics.find(({ role }) => role === "changelog")!;
  return { output: outputOf(settings), changelog: changelog.topic };
}

/** A registry that gives the same schema the same id in every process. */
export async function benchRegistry(source: string): Promise<SchemaRegistry> {
  const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
  await registry.register(subjectOfValue(source), paymentSchema.avro);
  await registry.register(subjectOfValue("any.totals"), totalSchema.avro);
  return registry;
}
