import type { PlannedStore } from "../plan/plan.ts";
import type { CommittedStore } from "./commit.ts";
import type { JobRuntime } from "./job-runtime.ts";
import type { TaskStatus } from "./member-status.ts";

/** A task that is in this process, for whoever looks at its state from outside. */
export interface HeldTask {
  readonly runtime: JobRuntime;
  readonly task: string;
  readonly partition: number;
  readonly status: TaskStatus["status"];
  readonly planned: readonly PlannedStore[];
  /** Open once it runs. */
  readonly stores: readonly CommittedStore[];
}
