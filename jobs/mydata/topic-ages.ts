import type { Duration } from "mulgil";

/** How old a record of a topic can get, by the topic's configuration. */
export type TopicAge =
  | {
      readonly topic: string;
      readonly policy: "delete";
      readonly retentionMs: number;
      /** A segment is deleted as a whole, when its youngest record is too old. */
      readonly segmentMs: number;
    }
  | {
      readonly topic: string;
      readonly policy: "compact";
      /** Until a value behind which there is a newer one, or a tombstone, is cleaned at the latest. */
      readonly compactionLagMs: number;
      /** How long a tombstone stays behind that. */
      readonly deleteRetentionMs: number;
    };

const DAY_MS = 86_400_000;
const compacted = { policy: "compact", compactionLagMs: DAY_MS, deleteRetentionMs: DAY_MS } as const;
const kept = (days: number) => ({ policy: "delete", retentionMs: days * DAY_MS, segmentMs: DAY_MS }) as const;

/** How long a request waits before it is tried again; a request hops through the longest while an institution is away. */
export const retryTiers: readonly Duration[] = ["10 seconds", "1 minute", "10 minutes", "1 hour"];

/**
 * Every topic that holds data of customers, with these tiers. The topics must be configured like this: Mulgil creates topics that keep everything, and changes none that exist. The
 * orders to forget and their receipts are not among them: they are the proof, and name the customer alone.
 */
export const topicAgesWith = (tiers: readonly Duration[]): readonly TopicAge[] => [
  { topic: "mydata.user-events", ...kept(30) },
  { topic: "mydata.consents", ...compacted },
  { topic: "mydata.collection-requests", ...kept(30) },
  { topic: "mydata.collected-records", ...kept(30) },
  { topic: "mydata.completions", ...kept(30) },
  { topic: "mydata.consent-events", ...kept(30) },
  { topic: "mydata.classified-transactions", ...kept(30) },
  { topic: "mydata.analyses", ...compacted },
  { topic: "mydata.profiles", ...compacted },
  ...["plan.planning", "plan.timers.wall"].map((store) => ({
    topic: `plan-collection.${store}.changelog`,
    ...compacted,
  })),
  ...["index", "assetMonths", "summaries", "months", "timers.wall"].map((store) => ({
    topic: `analyse.ledger.${store}.changelog`,
    ...compacted,
  })),
  ...["state", "timers.wall"].map((store) => ({ topic: `profile.profile.${store}.changelog`, ...compacted })),
  // Dead letters wait for a person, but not for ever.
  ...["plan-collection", "collect", "classify", "analyse", "profile", "terminate"].map((job) => ({
    topic: `${job}.dlq`,
    ...kept(30),
  })),
  // A record hops through the tiers while an institution is away.
  ...tiers.map((tier) => ({
    topic: `collect.collect.retry.${String(tier).replaceAll(/[^a-zA-Z0-9]+/g, "")}`,
    ...kept(8),
  })),
  ...["inputs", "keys"].map((store) => ({ topic: `collect.collect.${store}.changelog`, ...compacted })),
];

export const topicAges = topicAgesWith(retryTiers);
