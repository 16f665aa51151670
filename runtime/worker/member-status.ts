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
}

export interface TaskStatus {
  readonly task: string;
  readonly status: "starting" | "restoring" | "running";
  /** Of the stores that are being restored now. */
  readonly restoring: RestoreStatus | undefined;
}
