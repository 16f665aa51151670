import type { Clock } from "../time/clock.ts";
import type { AbortCallbacks } from "./abort-callbacks.ts";
import { Admission, PolicyProblem } from "./admission.ts";
import type { Attempted, Call, Refusal, RunOptions, Waiting } from "./attempt.ts";
import { Circuit } from "./circuit.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import { type EndedCall, failed } from "./ended-call.ts";
import type { Others } from "./others.ts";
import { Permits } from "./permits.ts";
import type { ReadPolicy } from "./read-policy.ts";
import type { ResourceMeasures } from "./resource-measures.ts";
import type { CircuitReport, Override, ResourceReport } from "./resource-report.ts";
import { Statistics } from "./statistics.ts";
import { type CallTiming, timedCall } from "./timed-call.ts";
import type { WorkerPermits } from "./worker-permits.ts";

/** Bounds of the estimate of when a full queue has room. */
const QUEUE_WAIT_MIN_MS = 1_000;
const QUEUE_WAIT_MAX_MS = 600_000;
/** The window of the statistics where there is no circuit. */
const WINDOW_MS = 60_000;
const IDLE_AFTER_MS = 600_000;

const ABORTED: Attempted = { called: false, aborted: true };

export interface GuardOptions {
  readonly step: string;
  readonly resource: string;
  readonly worker: string;
  readonly clock: Clock;
  readonly policy: ReadPolicy;
  /** Permits over all institutions. */
  readonly workerPermits: WorkerPermits;
  readonly onAbort: AbortCallbacks;
  readonly others: Others;
}

/** What stands around the calls of one institution in one worker: permits, circuit, limits, time-out, statistics. */
export class ResourceGuard {
  readonly #options: GuardOptions;
  readonly #permits: Permits;
  readonly #limit: ConcurrencyLimit;
  readonly #circuit: Circuit | undefined;
  readonly #admission: Admission;
  readonly #statistics: Statistics;
  readonly #timing: CallTiming;
  #askedMs: number;
  #inFlight = 0;
  #queued = 0;
  #isClosed = false;

  constructor(options: GuardOptions) {
    const { policy, clock, others, worker, workerPermits, onAbort } = options;
    const nowMs = clock.now();
    this.#options = options;
    this.#timing = { clock, onAbort, timeoutMs: policy.timeoutMs };
    this.#limit = new ConcurrencyLimit(policy.concurrency);
    this.#permits = new Permits(workerPermits, this.#limit.limit);
    this.#statistics = new Statistics(policy.circuit?.windowMs ?? WINDOW_MS, nowMs);
    this.#askedMs = nowMs;
    this.#circuit =
      policy.circuit &&
      new Circuit({
        ...{ policy: policy.circuit, clock },
        judgedByOthers: (changedMs) => others.judged(changedMs, clock.now()),
        mayProbe: () => others.isElected(worker, clock.now()),
      });
    this.#admission = new Admission({ policy, circuit: this.#circuit, others }, nowMs);
    if (others.override?.state === "reset") this.#circuit?.reset(others.override.atMs);
    this.heedOthers();
  }

  /**
   * Why no call may begin now; undefined if one may: a permit is free, or there is room in the memory queue. Synchronous and cheap. Each refusal is counted:
   * ask once a record.
   */
  refusal(value: unknown): Refusal | undefined {
    const nowMs = this.#options.clock.now();
    this.#askedMs = nowMs;
    const whyNot = this.#admission.whyNot(nowMs, value, this.#queued);
    // A policy that throws is told as the outcome of `run`: here is nobody to tell.
    if (whyNot instanceof PolicyProblem) return undefined;
    return this.#counted(whyNot ?? (this.#isQueueFull ? this.#queueFull(nowMs) : undefined), nowMs);
  }

  /**
   * Waits for permits (the institution's, then the worker's), asks again whether the call may begin, calls with a time-out, and counts what came of it.
   * The task given up ends it at once, also while it waits. Never rejects.
   */
  run(call: Call, options: RunOptions): Promise<Attempted> {
    if (options.signal.aborted || this.#isClosed) return Promise.resolve(ABORTED);
    if (this.#isQueueFull) {
      const nowMs = this.#options.clock.now();
      return Promise.resolve({ called: false, refusal: this.#counted(this.#queueFull(nowMs), nowMs) });
    }
    let waits = true;
    this.#queued++;
    const begin = () => {
      waits = false;
      this.#queued--;
      return this.#begin(call, options);
    };
    return this.#permits.run(begin, options).catch((error: unknown) => {
      if (!options.signal.aborted && !this.#isClosed) throw error;
      if (waits) this.#queued--;
      return ABORTED;
    });
  }

  /** Records that wait outside, as one task counts them; undefined when the task is gone. */
  reportWaiting(source: string, waiting: Waiting | undefined): void {
    this.#statistics.reportWaiting(source, waiting);
  }

  report(nowMs: number): ResourceReport {
    const { step, resource, worker } = this.#options;
    return {
      ...{ step, resource, worker, atMs: nowMs },
      circuit: this.#circuit?.report(nowMs) ?? NO_CIRCUIT,
      ...this.#statistics.report(nowMs),
      ...{ inFlight: this.#inFlight, queued: this.#queued, limit: this.#limit.limit },
      ...{ askedMs: this.#askedMs, heldOffUntilMs: this.#admission.heldOffUntilMs },
    };
  }

  get measures(): ResourceMeasures {
    const { step, resource } = this.#options;
    return {
      ...{ step, resource, circuit: this.#circuit?.state ?? "closed" },
      ...this.#statistics.measures,
      ...{ inFlight: this.#inFlight, queued: this.#queued, limit: this.#limit.limit },
    };
  }

  /** Whether nothing would be lost if it began anew. */
  isIdle(nowMs: number): boolean {
    return (
      !this.isInUse &&
      nowMs - this.#askedMs >= IDLE_AFTER_MS &&
      (this.#circuit?.state ?? "closed") === "closed" &&
      this.#admission.isIdle(nowMs)
    );
  }

  get isInUse(): boolean {
    return this.#inFlight > 0 || this.#queued > 0 || this.#statistics.waiting.records > 0;
  }

  /** The others have news about the institution, or have fallen silent. */
  heedOthers(): void {
    const { others, clock } = this.#options;
    const nowMs = clock.now();
    this.#admission.shareWith(others.workers(nowMs), nowMs);
    if (others.latestCircuit !== undefined) this.#circuit?.adopt(others.latestCircuit);
    if (others.overrideAt(nowMs) === undefined) this.#circuit?.judge();
  }

  /** Begins anew: closed, nothing counted, nothing held off. */
  reset({ atMs }: Override): void {
    this.#circuit?.reset(atMs);
    this.#statistics.clear(this.#options.clock.now());
    this.#admission.heldOffUntilMs = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#permits.clear();
  }

  /** With the permits. No async function, and none in what it calls: its frame would be in memory for as long as the call takes. */
  #begin(call: Call, options: RunOptions): Promise<Attempted> {
    if (options.signal.aborted) return Promise.resolve(ABORTED);
    const { clock, others } = this.#options;
    const nowMs = clock.now();
    this.#askedMs = nowMs;
    const whyNot = this.#admission.whyNot(nowMs, options.value, 0);
    if (whyNot instanceof PolicyProblem)
      return Promise.resolve({ called: true, outcome: failed(whyNot.message), durationMs: 0 });
    if (whyNot !== undefined) return Promise.resolve({ called: false, refusal: this.#counted(whyNot, nowMs) });
    this.#admission.take(nowMs);
    const round = this.#limit.round;
    const timed = () => timedCall(call, options, this.#timing);
    this.#inFlight++;
    const isObeyed = this.#circuit !== undefined && others.overrideAt(nowMs) === undefined;
    return (isObeyed ? this.#circuit.run(timed) : timed()).then((ended) => this.#ended(ended, round));
  }

  #ended(ended: EndedCall, round: number): Attempted {
    const wasUsed = 2 * this.#inFlight >= this.#limit.limit;
    this.#inFlight--;
    if (ended.kind === "aborted") return ABORTED;
    const { outcome, durationMs } = ended;
    const nowMs = this.#options.clock.now();
    this.#statistics.ended(ended, nowMs);
    if (ended.class === "timeout" || ended.class === "throttled") this.#limit.overloaded(round);
    else if (ended.class === "done") this.#limit.succeeded(durationMs, round, wasUsed);
    this.#permits.concurrency = this.#limit.limit;
    if (outcome.kind === "wait" && outcome.scope === "resource")
      this.#admission.heldOffUntilMs = Number.isFinite(outcome.untilMs)
        ? outcome.untilMs!
        : nowMs + this.#options.policy.retry.backoffMs;
    return { called: true, outcome, durationMs };
  }

  get #isQueueFull(): boolean {
    return this.#permits.areTaken && this.#permits.waiting >= this.#options.policy.queueMax;
  }

  #queueFull(nowMs: number): Refusal {
    const throughput = this.#statistics.throughput(nowMs);
    // Where none has ended yet, the first will be over by its time-out.
    const waitMs = throughput === 0 ? this.#options.policy.timeoutMs : this.#permits.waiting / throughput;
    const untilMs = nowMs + Math.ceil(Math.min(QUEUE_WAIT_MAX_MS, Math.max(QUEUE_WAIT_MIN_MS, waitMs)));
    return { reason: "queue-full", untilMs };
  }

  #counted<R extends Refusal | undefined>(refusal: R, nowMs: number): R {
    if (refusal !== undefined) this.#statistics.refused(refusal.reason, nowMs);
    return refusal;
  }
}

const NO_CIRCUIT: CircuitReport = {
  ...{ state: "closed", changedMs: 0, untilMs: 0, openForMs: 0 },
  judged: { calls: 0, failures: 0, slow: 0 },
};
