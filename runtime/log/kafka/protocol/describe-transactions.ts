import type { RawRequest } from "../kafkajs.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface DescribedTransaction {
  readonly errorCode: number;
  readonly transactionalId: string;
  /** -1 if none is open. */
  readonly startedAtMs: number;
}

export const DESCRIBE_TRANSACTIONS = { apiKey: 65, apiName: "DescribeTransactions", apiVersion: 0 } as const;

/** To the coordinator of these ids. kafkajs does not know it. Brokers do since 3.0. */
export function describeTransactionsRequest(ids: readonly string[]): RawRequest<readonly DescribedTransaction[]> {
  const writer = new WireWriter().noTags();
  writer.compactArray(ids, (id) => writer.compactString(id)).noTags();
  return { ...DESCRIBE_TRANSACTIONS, body: writer.written, decode };
}

function decode(body: Buffer): readonly DescribedTransaction[] {
  const reader = new WireReader(body);
  reader.skipTags();
  reader.int32();
  return reader.compactArray(() => {
    const errorCode = reader.int16();
    const transactionalId = reader.compactString() ?? "";
    reader.compactString();
    reader.int32();
    const startedAtMs = reader.int64();
    reader.int64();
    reader.int16();
    reader.compactArray(() => {
      reader.compactString();
      reader.compactArray(() => reader.int32());
      reader.skipTags();
    });
    reader.skipTags();
    return { errorCode, transactionalId, startedAtMs };
  });
}
