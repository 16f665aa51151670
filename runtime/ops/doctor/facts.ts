import type { OpenTransaction, TopicDescription } from "../../log/port.ts";
import type { Plan } from "../../plan/plan.ts";
import type { WantedState } from "../../worker/control-records.ts";
import type { MemberStatus } from "../../worker/member-status.ts";
import type { InstitutionOverview } from "../circuits-overview.ts";
import type { JobOverview, MemberOverview } from "../job-overview.ts";
import type { InputFacts } from "../lag/input-facts.ts";
import type { Look } from "../lag/lag-window.ts";

/** Everything that the checks look at, as it was when it was gathered. */
export interface Facts {
  readonly nowMs: number;
  readonly log: LogFacts;
  /** What could not be looked at. The checks go on without it. */
  readonly failures: readonly Failure[];
  readonly topics: ReadonlyMap<string, TopicDescription>;
  readonly jobs: readonly JobFacts[];
  readonly registry: RegistryFacts;
  /** Of this machine and of those of workers that answer. */
  readonly disks: readonly DiskFacts[];
}

export interface LogFacts {
  readonly kind: "kafka" | "data directory";
  /** Addresses of brokers, or a folder. */
  readonly where: string;
  /** Kafka only. */
  readonly security?: { readonly isEncrypted: boolean; readonly sasl: string | undefined; readonly isLocal: boolean };
}

export interface Failure {
  /** "read the committed offsets of group …" */
  readonly what: string;
  readonly code: string;
  readonly message: string;
}

export interface JobFacts {
  readonly overview: JobOverview;
  readonly plan: Plan;
  /** By "topic/partition". */
  readonly inputs: ReadonlyMap<string, ObservedInput>;
  readonly workers: readonly WorkerFacts[];
  readonly transactions: readonly OpenTransactionFacts[];
  readonly institutions: readonly InstitutionOverview[];
  readonly deadLetters: readonly DeadLetterGroup[];
  readonly isPaused: boolean;
  /** What somebody wants of it, if anybody does. */
  readonly wanted?: WantedState | undefined;
}

export interface ObservedInput extends InputFacts {
  /** Oldest first; one if nobody asked for a sample. */
  readonly looks: readonly Look[];
}

/** A member of a job's group, and what its process says. */
export interface WorkerFacts {
  readonly member: MemberOverview;
  /** Undefined if its process does not answer. */
  readonly status: MemberStatus | undefined;
  /** Why it does not. */
  readonly problem: string | undefined;
  /** On this machine, whether the process is there; undefined elsewhere. */
  readonly isAlive: boolean | undefined;
  /** How much its clock is ahead of ours, at least; 0 if that is within the time of its answer. */
  readonly aheadMs: number;
}

export interface OpenTransactionFacts extends OpenTransaction {
  /** What may be read has ended at the same offset for so long, at least: over the sample. */
  readonly heldForMs: number;
  /** Records behind it that nobody may read yet. */
  readonly heldBack: number;
}

/** Dead letters of the last hour that are alike. */
export interface DeadLetterGroup {
  readonly code: string;
  readonly step: string;
  /** Where the records came from; undefined if from no record. */
  readonly topic: string | undefined;
  readonly count: number;
  /** Of those, how many in the last ten minutes. */
  readonly lately: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Where one of them came from. */
  readonly example: { readonly partition: number; readonly offset: number } | undefined;
}

export interface RegistryFacts {
  readonly where: string;
  /** Undefined if it answers. */
  readonly problem: Failure | undefined;
  /** By topic; those that no plan says a schema of are left out. */
  readonly subjects: readonly SubjectFacts[];
}

export interface SubjectFacts {
  readonly topic: string;
  readonly subject: string;
  /** The name of the record in the plan. */
  readonly planned: string;
  readonly jobs: readonly string[];
  /** Undefined if there is none. */
  readonly latest: { readonly version: number; readonly name: string } | undefined;
  /** Why a reader with the schema before the latest cannot read what the latest writes. */
  readonly newerUnreadable: readonly string[];
  /** Why the latest cannot read what an earlier version wrote. */
  readonly olderUnreadable: readonly string[];
}

export interface DiskFacts {
  /** Host, where it is not this one. */
  readonly host: string | undefined;
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** What Mulgil has there; undefined if it was not looked at. */
  readonly usedBytes: number | undefined;
  /** How fast the free space went during the sample; undefined without one. */
  readonly shrinksPerSecond: number | undefined;
}
