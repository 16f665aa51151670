import type { FetchedRecord } from "../port.ts";
import type { AbortedTransactions } from "./aborted-transactions.ts";
import type { StoredBatch } from "./stored-batch.ts";

/** The records from a position on, without markers, and without aborted ones if the index is given (read_committed). */
export function visibleRecords(
  batches: readonly StoredBatch[],
  position: number,
  aborted: AbortedTransactions | undefined,
): readonly FetchedRecord[] {
  const visible: FetchedRecord[][] = [];
  for (const batch of batches) {
    const { marker, producerId, baseOffset } = batch.header;
    if (marker !== undefined) continue;
    if (producerId !== 0 && aborted?.has(producerId, baseOffset)) continue;
    const records = batch.records as FetchedRecord[];
    visible.push(baseOffset >= position ? records : records.filter(({ offset }) => offset >= position));
  }
  return visible.length === 1 ? visible[0]! : visible.flat();
}
