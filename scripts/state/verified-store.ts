import type { VerificationReport } from "../../runtime/ops/state/verification-report.ts";
import type { Showing } from "./shown-state.ts";
import type { AskWorker } from "./worker-request.ts";

/** What came of verifying a store of a task. */
export interface VerifiedStore {
  readonly store: string;
  readonly task: string;
  /** Where its state lies, if that was looked at without its worker. */
  readonly folder?: string;
  /** Absent if it could not be verified. */
  readonly report?: VerificationReport;
  /** Why it could not. */
  readonly problem?: string;
}

export interface VerifyRequest {
  readonly job: string;
  /** All of them if none is named. */
  readonly store?: string | undefined;
  readonly task?: string | undefined;
  readonly recordsPerSecond: number;
  readonly showing: Showing;
  readonly ask: AskWorker;
  readonly signal: AbortSignal;
}

/** Whether something is wrong: the store is not what its changelog says, or could not be built from it again. */
export const isWrong = ({ report }: VerifiedStore): boolean =>
  report?.status === "unrebuildable" || (report?.status === "compared" && report.differing > 0);
