import type { TopicSpec } from "../port.ts";

/** Compacted topics hold what people asked to forget until they are compacted, so that must happen in time even where little is written. */
const COMPACTION_LAG_MAX_MS = 7 * 86_400_000;

/** What a topic of ours is made with. Records carry their own timestamps, however old. */
export function configEntries({
  config: { cleanupPolicy, retentionMs, deleteRetentionMs },
  batchBytesMax,
}: Pick<TopicSpec, "config" | "batchBytesMax">): readonly { readonly name: string; readonly value: string }[] {
  const entries = [
    ["cleanup.policy", cleanupPolicy],
    ["retention.ms", retentionMs],
    ["retention.bytes", -1],
    ["delete.retention.ms", deleteRetentionMs],
    ["message.timestamp.type", "CreateTime"],
    ...(batchBytesMax === undefined ? [] : [["max.message.bytes", batchBytesMax]]),
    ...(cleanupPolicy === "delete" ? [] : [["max.compaction.lag.ms", COMPACTION_LAG_MAX_MS]]),
  ];
  return entries.map(([name, value]) => ({ name: String(name), value: String(value) }));
}
