import type { RawRequest } from "../kafkajs.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface ListedTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
}

export const LIST_TRANSACTIONS = { apiKey: 66, apiName: "ListTransactions", apiVersion: 0 } as const;

/** The transactional ids of producers that a broker coordinates and the user may see. kafkajs does not know it. Brokers do since 3.0. */
export function listTransactionsRequest(producerIds: readonly number[]): RawRequest<readonly ListedTransaction[]> {
  const writer = new WireWriter().noTags();
  writer
    .compactArray<never>([], () => undefined)
    .compactArray(producerIds, (id) => writer.int64(id))
    .noTags();
  return { ...LIST_TRANSACTIONS, body: writer.written, decode };
}

function decode(body: Buffer): readonly ListedTransaction[] {
  const reader = new WireReader(body);
  reader.skipTags();
  reader.int32();
  reader.int16();
  reader.compactArray(() => reader.compactString());
  return reader.compactArray(() => {
    const transactionalId = reader.compactString() ?? "";
    const producerId = reader.int64();
    reader.compactString();
    reader.skipTags();
    return { transactionalId, producerId };
  });
}
