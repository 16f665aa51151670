import type { LogAccess } from "../../runtime/log/port.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { createValueDecoder } from "../../schemas/value-serde.ts";
import { PARTITIONS, type Total, totalSchema } from "./payments-job.ts";

/** How much a topic got: so many records, of so many bytes on average. */
export interface TopicLoad {
  readonly records: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

export async function loadOf(log: LogAccess, topic: string): Promise<TopicLoad> {
  let [records, keyBytes, valueBytes] = [0, 0, 0];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const { key, value } of await readPartition(log, { topic, partition })) {
      records++;
      keyBytes += key?.length ?? 0;
      valueBytes += value?.length ?? 0;
    }
  }
  return { records, keyBytes: Math.round(keyBytes / records), valueBytes: Math.round(valueBytes / records) };
}

/** Of the last result of every customer and window, together. */
export async function sumOfTotals(
  log: LogAccess,
  topic: string,
  registry: SchemaRegistry,
): Promise<{ readonly payments: number; readonly total: number }> {
  const decoder = createValueDecoder<Total>({ schema: totalSchema, registry });
  const latest = new Map<string, Total>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const { key, value } of await readPartition(log, { topic, partition })) {
      const unknownId = decoder.missingId(value!);
      if (unknownId !== undefined) await decoder.load(unknownId);
      const result = decoder.decode(value!);
      latest.set(`${key!.toString()}@${result.windowStartMs}`, result);
    }
  }
  let [payments, total] = [0, 0];
  for (const each of latest.values()) {
    payments += each.payments;
    total += each.total;
  }
  return { payments, total };
}
