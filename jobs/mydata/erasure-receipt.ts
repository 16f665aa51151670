import type { Erasure } from "../../schemas/types/mydata/erasure.ts";
import type { ErasureReceipt } from "../../schemas/types/mydata/erasure-receipt.ts";
import type { TopicAge } from "./topic-ages.ts";

/** How long it takes at most until every job has obeyed: until then it may still write values that are older than the order. */
const OBEYED_WITHIN_MS = 3_600_000;

/** By when nothing of what is erased exists any more, topic by topic. */
export function receiptOf({ orderId, customerId, orderedAt }: Erasure, ages: readonly TopicAge[]): ErasureReceipt {
  const topics = ages.map((age) => ({
    topic: age.topic,
    goneBy: orderedAt + OBEYED_WITHIN_MS + ageMaxMs(age),
    rule: ruleOf(age),
  }));
  return { orderId, customerId, orderedAt, topics, goneBy: Math.max(orderedAt, ...topics.map(({ goneBy }) => goneBy)) };
}

/** In a compacted topic the value goes in one round, and its tombstone, which names the customer, in a later one. */
const ageMaxMs = (age: TopicAge): number =>
  age.policy === "delete" ? age.retentionMs + age.segmentMs : 2 * age.compactionLagMs + age.deleteRetentionMs;

const ruleOf = (age: TopicAge): string =>
  age.policy === "delete"
    ? `kept for ${days(age.retentionMs)}, deleted by segments of ${days(age.segmentMs)}`
    : `compacted within ${days(age.compactionLagMs)}, the tombstone ${days(age.deleteRetentionMs)} later`;

function days(ms: number): string {
  const count = Number((ms / 86_400_000).toFixed(2));
  return count === 1 ? "1 day" : `${count} days`;
}
