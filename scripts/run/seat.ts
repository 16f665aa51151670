import type { JobStatus } from "../../runtime/index.ts";
import { BackOff } from "./back-off.ts";
import type { ProcessEnd, WorkerProcess } from "./worker-process.ts";

/** One of the workers that a supervisor keeps, over all the processes that it has been. */
export interface Seat {
  readonly worker: string;
  readonly backOff: BackOff;
  process: WorkerProcess | undefined;
  isStarted: boolean;
  isIdle: boolean;
  /** Of processes that have ended. */
  past: readonly JobStatus[];
  current: readonly JobStatus[];
  /** Its first process is up. */
  readonly up: PromiseWithResolvers<void>;
  /** Aborted when there are to be fewer workers. */
  readonly leaving: AbortController;
  /** Nobody starts it again. */
  readonly over: PromiseWithResolvers<ProcessEnd | undefined>;
}

export const newSeat = (worker: string): Seat => ({
  worker,
  backOff: new BackOff(),
  process: undefined,
  isStarted: false,
  isIdle: false,
  past: [],
  current: [],
  up: Promise.withResolvers(),
  leaving: new AbortController(),
  over: Promise.withResolvers(),
});

/** The lowest numbers that are free: a worker that comes back finds the folder that it has left. */
export function freeNames(taken: ReadonlySet<string>, howMany: number): readonly string[] {
  const names: string[] = [];
  for (let number = 1; names.length < howMany; number++) if (!taken.has(String(number))) names.push(String(number));
  return names;
}
