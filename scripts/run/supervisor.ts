import type { JobEvent, JobStatus } from "../../runtime/index.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import type { OrderAnswer, ScaleOrder } from "../../runtime/worker/control-records.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { ended, jobTotals } from "./job-totals.ts";
import { freeNames, newSeat, type Seat } from "./seat.ts";
import type { WorkerMessage } from "./worker-messages.ts";
import type { ProcessEnd, StartWorker } from "./worker-process.ts";

export interface SupervisorOptions {
  readonly workers: number;
  readonly startWorker: StartWorker;
  readonly clock: Clock;
  /** Ends the run when all workers are idle. */
  readonly untilIdle: boolean;
  /** How long a worker takes to drain at most, by itself. */
  readonly drainTimeoutMs: number;
  readonly onEvent: (event: JobEvent, worker: string) => void;
  readonly onNote: (note: string, worker?: string) => void;
}

/** What is known of one worker, over all the processes that it has been. */
export interface WorkerStanding {
  readonly worker: string;
  readonly pid: number | undefined;
  readonly statuses: readonly JobStatus[];
}

/** A worker that is past its own drain time-out does not answer any more. */
const DRAIN_MARGIN_MS = 5_000;
/** Whoever tells of an order tells of it soon. */
const ORDERS_MAX = 32;
/** Another process is still leaving the folder of this worker: one of a run that was killed, say. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set(["DATA_DIR_LOCKED"]);
/** Once the run is up, they are no reason to end those workers that go on without the registry, or wait for brokers. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  ...["REGISTRY_UNREACHABLE", "REGISTRY_NOT_AUTHORIZED"],
  "LOG_UNREACHABLE",
]);

/**
 * Keeps worker processes running:
 *
 *   starting ──started──► running ──idle──► idle (all are: stop)
 *      │  ▲                  │                │
 *      │  └── back-off ◄─────┴── it dies ─────┘
 *      └── it fails: the run ends with its error, unless others run and that will pass
 *
 * Their number can be changed while they run: those with the highest numbers go, by a drain of their own. The first worker starts alone, so that topics are made and plans compared once, and a mistake is told once; the others follow when it has started.
 */
export class Supervisor {
  /** Resolves when all workers have ended; rejects with the error that ended the run. */
  readonly finished: Promise<void>;
  readonly #options: SupervisorOptions;
  #seats: readonly Seat[] = [];
  /** Of workers that are no more. */
  #past: readonly JobStatus[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #ended = Promise.withResolvers<void>();
  /** To the last orders, newest last; undefined while one is carried out. Each worker tells of them, some when it is long done. */
  readonly #answers = new Map<string, OrderAnswer | undefined>();
  #scaling: Promise<void> = Promise.resolve();
  readonly #prepared = Promise.withResolvers<void>();
  /** A worker has started: what the run needs was right then. */
  #isUp = false;
  readonly #stopping = new AbortController();
  #failure: MulgilError | undefined;
  #lags: readonly JobStatus[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#add(options.workers);
    this.finished = this.#run();
  }

  /** Of all workers together. */
  get totals(): readonly JobStatus[] {
    const ofSeats = this.#seats.flatMap(({ past, current }) => [...past, ...current]);
    return jobTotals([...this.#past, ...ofSeats, ...this.#lags]);
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

  /**
   * Starts more workers, or lets the last ones drain and end; the processes that are there then are told what came of it. An order that was heard before
   * changes nothing: whoever tells of it once it is done is told at once.
   */
  scale(order: ScaleOrder, teller?: Seat): void {
    if (this.#answers.has(order.id)) {
      const answer = this.#answers.get(order.id);
      if (answer !== undefined) teller?.process?.answer(answer);
      return;
    }
    if (this.#stopping.signal.aborted) return;
    this.#note(order.id, undefined);
    this.#scaling = this.#scaling.then(async () => {
      const { workers, by, why, id } = order;
      this.#options.onNote(`${this.#seats.length} → ${workers} workers (${by}: ${why})`);
      const answer: OrderAnswer = { ...(await this.#scaleTo(workers, order.drainTimeoutMs)), id };
      this.#note(id, answer);
      for (const { process } of this.#seats) process?.answer(answer);
    });
  }

  #note(id: string, answer: OrderAnswer | undefined): void {
    this.#answers.set(id, answer);
    if (this.#answers.size > ORDERS_MAX) this.#answers.delete(this.#answers.keys().next().value!);
  }

  /** Ends all workers at once. What was not committed is repeated at the next start. */
  kill(): void {
    for (const { process } of this.#seats) process?.kill();
  }

  async #run(): Promise<void> {
    await this.#ended.promise;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #add(howMany: number): readonly Seat[] {
    const isFirst = this.#seats.length === 0;
    const taken = new Set(this.#seats.map(({ worker }) => worker));
    const added = freeNames(taken, howMany).map(newSeat);
    this.#seats = [...this.#seats, ...added];
    for (const [index, seat] of added.entries()) {
      const kept = this.#keep(seat, isFirst && index === 0).then(() => {
        this.#running.delete(kept);
        if (this.#running.size === 0) this.#ended.resolve();
      });
      this.#running.add(kept);
    }
    return added;
  }

  async #scaleTo(workers: number, drainTimeoutMs: number): Promise<Omit<OrderAnswer, "id">> {
    const added = this.#add(Math.max(0, workers - this.#seats.length));
    const surplus = this.#seats.slice(workers);
    const ends = await Promise.all(surplus.map((seat) => this.#remove(seat, drainTimeoutMs)));
    this.#seats = this.#seats.filter((seat) => !surplus.includes(seat));
    this.#past = jobTotals([...this.#past, ...surplus.flatMap(({ past }) => past)]);
    await Promise.race([Promise.all(added.map(({ up }) => up.promise)), this.#ended.promise]);
    this.#stopIfIdle();
    const details = [
      cutShortText(ends.filter((end) => end !== undefined && end.code !== 0).length),
      delayedText(added.filter(({ isStarted }) => !isStarted).length),
    ].filter((text) => text !== undefined);
    return { outcome: "done", ...(details.length > 0 && { detail: details.join("; ") }) };
  }

  /** Undefined: it was not running. */
  async #remove(seat: Seat, drainTimeoutMs: number): Promise<ProcessEnd | undefined> {
    seat.leaving.abort();
    seat.process?.stop();
    const bound = this.#options.clock.after(drainTimeoutMs + DRAIN_MARGIN_MS, () => seat.process?.kill());
    const end = await seat.over.promise;
    bound();
    return end;
  }

  async #keep(seat: Seat, isFirst: boolean): Promise<void> {
    if (!isFirst) await this.#prepared.promise;
    const { clock } = this.#options;
    const over = AbortSignal.any([this.#stopping.signal, seat.leaving.signal]);
    let end: ProcessEnd | undefined;
    while (!over.aborted) {
      const sinceMs = clock.now();
      end = await this.#runOnce(seat);
      if (over.aborted) break;
      const waitMs = seat.backOff.waitMsAfter(clock.now() - sinceMs);
      this.#options.onNote(
        `worker ${seat.worker} ${endText(end)}; it starts again in ${waitMs / 1_000} s`,
        seat.worker,
      );
      seat.isStarted = false;
      end = undefined;
      await clock.sleep(waitMs, over);
    }
    if (end !== undefined && this.#stopping.signal.aborted) this.#checkDrained(seat, end);
    seat.over.resolve(end);
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
        this.#isUp = true;
        seat.up.resolve();
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
        this.#stopIfIdle();
        break;
      case "scale":
        this.scale(message.order, seat);
        break;
      case "failed":
        this.#fail(seat, message);
        break;
    }
  }

  #stopIfIdle(): void {
    if (this.#options.untilIdle && this.#seats.every(({ isIdle }) => isIdle)) this.stop();
  }

  #fail({ worker, up }: Seat, { problem, details }: Extract<WorkerMessage, { kind: "failed" }>): void {
    if (TRANSIENT_CODES.has(problem.code) || (this.#isUp && PASSING_CODES.has(problem.code))) {
      this.#options.onNote(problem.message, worker);
      // Nobody waits for it: an order to have fewer could not be carried out meanwhile.
      up.resolve();
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

const cutShortText = (count: number): string | undefined =>
  count === 0
    ? undefined
    : `${count} of the workers ended before they had finished what they had begun; what no commit covers is processed once more, nothing is lost`;

const delayedText = (count: number): string | undefined =>
  count === 0 ? undefined : `${count} of the new workers could not start yet, and are tried again`;
