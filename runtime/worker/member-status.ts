import type { DiskSpace } from "../../state/disk.ts";
import type { CommitSample } from "./commit-window.ts";
import type { RestoreStatus } from "./restore-progress.ts";

/** Where a process runs, and where it answers for itself. Members tell it to their group. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** The URL of its HTTP interface. */
  readonly address: string;
}

/**
 * What a member does, by the orders that were given: "pausing" and "draining" end what has begun, "paused" keeps its place in the group and its tasks and
 * processes nothing, "drained" is in no group.
 */
export type MemberActivity = "running" | "pausing" | "paused" | "draining" | "drained";

/** A member of a job's group in this process. */
export interface MemberStatus {
  readonly job: string;
  readonly worker: string;
  /** Undefined while it is in no group. */
  readonly memberId: string | undefined;
  /** Whether the group has given it its tasks, be it none. */
  readonly isAssigned: boolean;
  readonly activity: MemberActivity;
  readonly tasks: readonly TaskStatus[];
  /** The worker's clock when it told this. */
  readonly atMs?: number;
  /** The plan that it runs its tasks by. */
  readonly plan?: { readonly version: number; readonly hash: string };
  /** Tasks of whose state it keeps a copy, and changelog records that the copy is behind. */
  readonly copies?: readonly CopyStatus[];
  /** The disk that its state lies on, as it was last looked at. */
  readonly disk?: DiskSpace | undefined;
}

/** Names, counts and times; of records only where they lie, never what is in them. */
export interface TaskStatus {
  readonly task: string;
  readonly status: "starting" | "restoring" | "running";
  /** Of the stores that are being restored now. */
  readonly restoring: RestoreStatus | undefined;
  /** What it waits for, so that it takes up no other record; undefined if nothing. */
  readonly work?: WorkStatus | undefined;
  readonly inputs?: readonly InputStatus[];
  /** Of a task that calls institutions. */
  readonly calls?: CallsStatus | undefined;
  readonly stores?: readonly StoreStatus[];
  /** Why it had to start again, since its worker runs. */
  readonly trouble?: TroubleStatus | undefined;
}

/** Where a record lies. The hash tells keys apart and does not say what they are. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** Undefined if it has no key. */
  readonly keyHash: string | undefined;
}

/** Asynchronous work that a task is suspended for; or ("schema") the registry, which has not given what the next record was written with. */
export interface WorkStatus {
  readonly kind: "start" | "record" | "timer" | "commit" | "schema";
  readonly sinceMs: number;
  /** Whose function, or whose disk, is waited for. */
  readonly step: string | undefined;
  /** Undefined if no record is the cause. */
  readonly record: RecordPlace | undefined;
  /** What is waited for, if that is a schema. */
  readonly schema?: AwaitedSchemaStatus | undefined;
}

export interface AwaitedSchemaStatus {
  readonly id: number;
  /** Why it is not here; undefined before the first answer. */
  readonly problem: { readonly code: string; readonly message: string } | undefined;
}

export interface InputStatus {
  readonly topic: string;
  readonly partition: number;
  /** Behind what was processed, and behind what was committed. */
  readonly position: number;
  readonly committed: number;
  /** As of the last fetch. */
  readonly endOffset: number;
  /** Where the task began, if a tool or a person had set that. */
  readonly setByOthers?: number | undefined;
  /** Oldest first. */
  readonly commits: readonly CommitSample[];
}

export interface CallsStatus {
  /** Records that are taken up and have not ended. */
  readonly underWay: number;
  /** The call that was begun first, of those that have not ended. */
  readonly oldest: OldestCall | undefined;
}

export interface OldestCall {
  readonly step: string;
  readonly institution: string;
  readonly sinceMs: number;
  readonly record: RecordPlace;
}

export interface StoreStatus {
  readonly store: string;
  /** On the disk, as it was last looked at. */
  readonly bytes: number;
}

export interface CopyStatus {
  readonly task: string;
  /** Null while it is not known. */
  readonly lag: number | null;
}

export interface TroubleStatus {
  readonly code: string;
  readonly message: string;
  /** How often, since it last ran for as long as a window of commits. */
  readonly restarts: number;
  readonly atMs: number;
}
