import type { Clock } from "../time/clock.ts";
import type { ReadPolicy } from "./read-policy.ts";
import type { ResourceGuard } from "./resource-guard.ts";
import type { News, ResourceReport } from "./resource-report.ts";

export interface ResourcesOptions {
  readonly step: string;
  /** Its id; unique among those of the job that run. */
  readonly worker: string;
  readonly clock: Clock;
  /** Asked once for each institution, when it is first called. */
  readonly policyOf: (resource: string) => ReadPolicy;
  /** Calls under way at once, over all institutions. */
  readonly concurrency: number;
}

/** All institutions that one worker calls for one step. */
export interface Resources {
  /** Of one institution; made on first use. Ask for it each time: what nobody uses for long is forgotten. */
  guard(resource: string): ResourceGuard;
  /** What this worker tells the others. */
  snapshot(nowMs: number): readonly ResourceReport[];
  /** What this worker hears from them, and from people. */
  apply(news: readonly News[]): void;
  close(): void;
}
