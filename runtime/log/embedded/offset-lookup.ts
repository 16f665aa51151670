import type { Isolation, OffsetSpec } from "../port.ts";
import type { PartitionLog } from "./partition-log.ts";

const LOOKUP_BYTES = 1024 * 1024;

/** Kafka's ListOffsets. By time it reads from the start: this is for people and resets, not for a hot path. */
export async function offsetOf(log: PartitionLog, spec: OffsetSpec, isolation: Isolation): Promise<number> {
  if (spec === "earliest") return log.startOffset;
  if (spec === "latest") return log.limit(isolation);
  let position = log.startOffset;
  for (;;) {
    const { records, nextOffset } = await log.read(position, isolation, LOOKUP_BYTES);
    const found = records.find(({ timestampMs }) => timestampMs >= spec.atOrAfterMs);
    if (found !== undefined) return found.offset;
    if (nextOffset === position) return nextOffset;
    position = Math.max(nextOffset, log.startOffset);
  }
}
