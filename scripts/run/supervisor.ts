import type { JobEvent, JobStatus } from "../../runtime/index.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { BackOff } from "./back-off.ts";
import { ended, jobTotals } from "./job-totals.ts";
import type { WorkerMessage } from "./worker-messages.ts";
import type { ProcessEnd, StartWorker, WorkerProcess } from "./worker-process.ts";

export interface SupervisorOptions {
  readonly workers: number;
  readonly startWorker: StartWorker;
  readonly clock: Clock;
  /** Ends the run when all workers are idle. */
  readonly untilIdle: boolean;
  /** How long a worker takes to drain at most, by itself. */
  readonly drainTimeoutMs: number;
  readonly onEvent: (event: JobEvent, worker: string) => void;
  readonly onNote: (note: string, worker: string) => void;
}

/** What is known of one worker, over all the processes that it has been. */
export interface WorkerStanding {
  readonly worker: string;
  readonly pid: number | undefined;
  readonly statuses: readonly JobStatus[];
}

interface Seat {
  readonly worker: string;
  readonly backOff: BackOff;
  process: WorkerProcess | undefined;
  isStarted: boolean;
  isIdle: boolean;
  /** Of processes that have ended. */
  past: readonly JobStatus[];
  current: readonly JobStatus[];
}

/** A worker that is past its own drain time-out does not answer any more. */
const DRAIN_MARGIN_MS = 5_000;
/** Another process is still leaving the folder of this worker: one of a run that was killed, say. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set(["DATA_DIR_LOCKED"]);

/**
 * Keeps worker processes running:
 *
 *   starting ──started──► running ──idle──► idle (all are: stop)
 *      │  ▲                  │                │
 *      │  └── back-off ◄─────┴── it dies ─────┘
 *      └── it fails: the run ends with its error
 *
 * The first worker starts alone, so that topics are made and plans compared once, and a mistake is told once; the others follow when it has started.
 */
export class Supervisor {
  /** Resolves when all workers have ended; rejects with the error that ended the run. */
  readonly finished: Promise<void>;
  readonly #options: SupervisorOptions;
  readonly #seats: readonly Seat[];
  readonly #prepared = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  #failure: MulgilError | undefined;
  #lags: readonly JobStatus[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#seats = Array.from({ length: options.workers }, (_, index) => ({
      worker: String(index + 1),
      backOff: new BackOff(),
      process: undefined,
      isStarted: false,
      isIdle: false,
      past: [],
      current: [],
    }));
    this.finished = this.#run();
  }

  /** Of all workers together. */
  get totals(): readonly JobStatus[] {
    return jobTotals([...this.#seats.flatMap(({ past, current }) => [...past, ...current]), ...this.#lags]);
  }

  get standings(): readonly WorkerStanding[] {
    return this.#seats.map(({ worker, process, past, current }) => ({
      worker,
      pid: process?.pid,
      statuses: jobTotals([...past, ...current]),
    }));
  }

  /** Lets all workers drain. Safe to call twice. */
  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    for (const { process } of this.#seats) process?.stop();
    const { clock, drainTimeoutMs } = this.#options;
    clock.after(drainTimeoutMs + DRAIN_MARGIN_MS, () => this.#giveUp());
  }

  /** Ends all workers at once. What was not committed is repeated at the next start. */
  kill(): void {
    for (const { process } of this.#seats) process?.kill();
  }

  async #run(): Promise<void> {
    await Promise.all(this.#seats.map((seat, index) => this.#keep(seat, index === 0)));
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #keep(seat: Seat, isFirst: boolean): Promise<void> {
    if (!isFirst) await this.#prepared.promise;
    const { clock } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const sinceMs = clock.now();
      const end = await this.#runOnce(seat);
      if (this.#stopping.signal.aborted) {
        this.#checkDrained(seat, end);
        break;
      }
      const waitMs = seat.backOff.waitMsAfter(clock.now() - sinceMs);
      this.#options.onNote(
        `worker ${seat.worker} ${endText(end)}; it starts again in ${waitMs / 1_000} s`,
        seat.worker,
      );
      seat.isStarted = false;
      await clock.sleep(waitMs, this.#stopping.signal);
    }
    // Nobody is to wait for a first worker that comes no more.
    this.#prepared.resolve();
  }

  async #runOnce(seat: Seat): Promise<ProcessEnd> {
    const running = this.#options.startWorker(seat.worker, (message) => this.#hear(seat, message));
    seat.process = running;
    const end = await running.ended;
    seat.process = undefined;
    seat.isIdle = false;
    seat.past = jobTotals([...seat.past, ...ended(seat.current)]);
    seat.current = [];
    return end;
  }

  #hear(seat: Seat, message: WorkerMessage): void {
    switch (message.kind) {
      case "started":
        seat.isStarted = true;
        this.#prepared.resolve();
        break;
      case "event":
        this.#options.onEvent(message.event, seat.worker);
        break;
      case "status":
        seat.current = message.statuses;
        this.#lags = message.statuses.map(lagOnly);
        break;
      case "idle":
        seat.isIdle = true;
        if (this.#options.untilIdle && this.#seats.every(({ isIdle }) => isIdle)) this.stop();
        break;
      case "failed":
        this.#fail(seat, message);
        break;
    }
  }

  #fail({ worker }: Seat, { problem, details }: Extract<WorkerMessage, { kind: "failed" }>): void {
    if (TRANSIENT_CODES.has(problem.code)) {
      this.#options.onNote(problem.message, worker);
      return;
    }
    this.#failure ??= new MulgilError(problem.message, { code: problem.code, cause: details });
    this.stop();
  }

  #checkDrained({ worker, isStarted }: Seat, end: ProcessEnd): void {
    // Whoever had not started had nothing to finish.
    if (end.code === 0 || !isStarted || this.#failure !== undefined) return;
    this.#failure = notDrained(`worker ${worker} ${endText(end)} before it had finished what it had begun`);
  }

  #giveUp(): void {
    const silent = this.#seats.filter(({ process }) => process !== undefined);
    if (silent.length === 0) return;
    const names = silent.map(({ worker, process }) => `${worker} (process ${process!.pid})`).join(", ");
    this.#failure ??= notDrained(`these workers did not end in time and were killed: ${names}`);
    this.kill();
  }
}

const endText = ({ code, signal }: ProcessEnd): string => {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? "could not be started" : `ended with exit code ${code}`;
};

const notDrained = (what: string): MulgilError =>
  new MulgilError(
    `${what}; what no commit covers is repeated at the next start, nothing is lost. Give a longer drain time-out if that was too short`,
    { code: "DRAIN_TIMEOUT" },
  );

/** The newest lag of all, and nothing that adds up. */
const lagOnly = (status: JobStatus): JobStatus => ({
  ...status,
  recordsIn: 0,
  recordsOut: 0,
  late: 0,
  deadLetters: 0,
  effectsSkipped: 0,
  commits: 0,
  tasks: 0,
  restoring: undefined,
});
