import type { ProducerRecord } from "../port.ts";

/** A larger batch is stored in several entries, so that one entry never holds much memory. */
const ENTRY_BYTES_MAX = 512 * 1024;

/** The records of one call, as they are stored. */
export function* entriesOf(records: readonly ProducerRecord[]): Generator<readonly ProducerRecord[]> {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    bytes += 32 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (bytes < ENTRY_BYTES_MAX) continue;
    yield records.slice(from, i + 1);
    from = i + 1;
    bytes = 0;
  }
  if (from < records.length) yield from === 0 ? records : records.slice(from);
}
