import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { LogAccess, ProducerRecord } from "../../runtime/log/port.ts";
import { keySerde } from "../../schemas/key-serde.ts";
import { createValueSerde } from "../../schemas/value-serde.ts";
import { type Payment, paymentSchema } from "../engine-fixtures.ts";
import { benchRegistry, PARTITIONS } from "./payments-job.ts";

/** About 500 records in a record batch. */
const CALL_RECORDS = 4_000;

export async function makeSource(log: LogAccess, source: string): Promise<void> {
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
  await log.ensureTopics([{ topic: source, partitions: PARTITIONS, config }]);
}

/** Writes payments to a source; resolves when the broker has all of them. */
export type WritePayments = (payments: Iterable<Payment>) => Promise<void>;

export async function paymentWriter(log: LogAccess, source: string): Promise<WritePayments> {
  const encode = await paymentEncoder(source);
  const produce = (records: readonly ProducerRecord[]) =>
    log.produce(
      [...Map.groupBy(records, ({ key }) => partitionOf(key!, PARTITIONS))].map(([partition, own]) => ({
        ...{ topic: source, partition },
        records: own,
      })),
    );
  return async (payments) => {
    let records: ProducerRecord[] = [];
    for (const payment of payments) {
      if (records.push(encode(payment)) < CALL_RECORDS) continue;
      await produce(records);
      records = [];
    }
    if (records.length > 0) await produce(records);
  };
}

async function paymentEncoder(source: string): Promise<(payment: Payment) => ProducerRecord> {
  const registry = await benchRegistry(source);
  const values = await createValueSerde({ schema: paymentSchema, topic: source, registry });
  const keys = keySerde("string");
  return (payment) => ({
    key: keys.encode(payment.customerId),
    value: values.encode(payment),
    timestampMs: payment.occurredAt,
  });
}
