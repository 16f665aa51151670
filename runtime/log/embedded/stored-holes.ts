import type { TopicPartition } from "../port.ts";
import { corrupt } from "./refusals.ts";
import type { StoredBatch } from "./stored-batch.ts";

/**
 * Where nothing is compacted, batches follow each other without a gap: a missing one is lost data, not a hole to skip.
 * `limit` is given if the batches are said to reach it.
 * @throws LOG_CORRUPT
 */
export function assertNoHole(
  where: TopicPartition,
  batches: readonly StoredBatch[],
  position: number,
  limit: number | undefined,
): void {
  let expected = position;
  for (const { header } of batches) {
    if (header.baseOffset > expected) throw corrupt(where, expected, "it is missing");
    expected = header.lastOffset + 1;
  }
  if (limit !== undefined && expected < limit) throw corrupt(where, expected, "it is missing");
}
