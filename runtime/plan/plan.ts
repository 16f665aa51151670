import type { GapPolicy, StartFrom } from "../dsl/source-options.ts";
import type { Delivery } from "../dsl/topology.ts";
import type { PersonalData } from "./personal-data.ts";

export type StoreKind = "keyValue" | "window" | "timeIndexed";

export interface PlannedStore {
  /** Unique in the job. */
  readonly name: string;
  readonly kind: StoreKind;
  /** The node that reads and writes it. */
  readonly node: string;
  readonly changelog: string;
  /** Of its entries; another layout under the same name would be misread. */
  readonly layout: string;
  /** How long entries are needed, in stream time; null for ever. */
  readonly retentionMs: number | null;
}

/** "retry": a tier of a call, whose records wait there for their next attempt. "circuits": what the workers of a job tell each other of institutions. */
export type TopicRole = "source" | "sink" | "repartition" | "retry" | "changelog" | "circuits" | "dlq";

export interface PlannedTopic {
  readonly topic: string;
  readonly role: TopicRole;
  /** A number, or the topics that it has as many partitions as: as the largest of them. */
  readonly partitions: number | { readonly like: readonly string[] };
  readonly cleanupPolicy: "delete" | "compact" | "compact,delete";
  readonly retentionMs: number;
  /** Of the values: the name of the Avro record, as in the registry under `<topic>-value`. */
  readonly schema?: string;
  readonly keyType?: string;
  /** Of a source: where it goes on when what it would read next is gone. Absent, the job ends with an error. */
  readonly onGap?: Exclude<GapPolicy, "fail">;
  /** Of a source: where it begins. Absent, at its first record. */
  readonly startFrom?: Exclude<StartFrom, "earliest">;
}

/** A step as `describe` shows it. */
export interface PlannedStep {
  readonly id: string;
  readonly kind: string;
  /** Ids of the steps in front; with "#edge" where a step has several outputs. */
  readonly inputs: readonly string[];
  readonly detail: string;
}

/** What a sub-topology with a call reads besides its input. */
export interface PlannedCall {
  /** The step. */
  readonly node: string;
  /** Ascending by delay. They are among the sources. */
  readonly tiers: readonly PlannedTier[];
}

export interface PlannedTier {
  readonly topic: string;
  readonly delayMs: number;
}

/** A connected part of the graph, cut at internal topics; named after what it reads. */
export interface SubTopology {
  readonly name: string;
  /** Topics that it reads; all have the same number of partitions, partition p of each goes to task p. */
  readonly sources: readonly string[];
  /** Node ids, inputs before those that read them. */
  readonly nodes: readonly string[];
  readonly stores: readonly PlannedStore[];
  /** Absent if it calls nobody. */
  readonly call?: PlannedCall;
}

/** The compiled job: what will run, as JSON. */
export interface Plan {
  readonly job: string;
  readonly version: number;
  readonly delivery: Delivery;
  readonly commitEveryMs: number;
  readonly subTopologies: readonly SubTopology[];
  readonly steps: readonly PlannedStep[];
  readonly topics: readonly PlannedTopic[];
  readonly dlqTopic: string;
  /** Of everything above but the version: equal plans have equal hashes. */
  readonly hash: string;
  /** Copies of each task's state beside the one that works. May change at any time. */
  readonly standbys: number;
  /** As the hash does not have it. Absent in plans that an earlier version of Mulgil has remembered. */
  readonly personal?: PersonalData;
}
