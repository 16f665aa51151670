import type { LogAccess } from "../log/port.ts";
import { circuitsTopicOf } from "../plan/internal-topics.ts";
import type { Override } from "../resilience/resource-report.ts";
import { encodeCircuitKey, encodeOverride } from "../worker/circuit-records.ts";

export interface Order {
  readonly steps: readonly string[];
  readonly resource: string;
  readonly override: Override;
}

/** Gives all workers of a job an order about an institution. They obey it when they read it: within a second or two, and after every start. */
export async function orderOverride(log: LogAccess, job: string, { steps, resource, override }: Order): Promise<void> {
  const records = steps.map((step) => ({
    key: encodeCircuitKey({ kind: "override", step, resource }),
    value: encodeOverride(override),
    timestampMs: override.atMs,
  }));
  await log.produce([{ topic: circuitsTopicOf(job), partition: 0, records }]);
}
