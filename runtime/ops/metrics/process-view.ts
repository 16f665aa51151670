import type { LogTrouble } from "../../log/log-troubles.ts";
import type { JobMeasures } from "../../worker/measures.ts";

/** What the series of one scrape are made of. */
export interface ProcessView {
  readonly nowMs: number;
  readonly jobs: readonly JobMeasures[];
  readonly isReady: boolean;
  /** By `viewKey(topic, partition)`: ends of inputs, looked up every few seconds, as tasks that fetch nothing do not hear of them. */
  readonly ends: ReadonlyMap<string, number>;
  /** By `viewKey(job, topic, partition)`: since when it has been seen behind without a record at hand. */
  readonly behindSinceMs: ReadonlyMap<string, number>;
  /** By `viewKey(job, task, store)`: looked up every minute. */
  readonly stateBytes: ReadonlyMap<string, number>;
  /** By reason. */
  readonly refusedLogins: ReadonlyMap<string, number>;
  readonly logTroubles: readonly LogTrouble[];
  readonly mulgilVersion: string;
}

export const viewKey = (...parts: readonly (string | number)[]): string => parts.join("\n");
