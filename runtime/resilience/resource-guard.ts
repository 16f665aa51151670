import type { Clock } from "../time/clock.ts";
import type { AbortCallbacks } from "./abort-callbacks.ts";
import type { Attempted, Call, Refusal, RefusalReason, RunOptions, Waiting } from "./attempt.ts";
import { Circuit } from "./circuit.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import { type EndedCall, failed } from "./ended-call.ts";
import type { Others } from "./others.ts";
import { Permits } from "./permits.ts";
import type { ReadPolicy } from "./read-policy.ts";
import type { CircuitReport, Override, ResourceReport } from "./resource-report.ts";
import { Statistics } from "./statistics.ts";
import { type CallTiming, timedCall } from "./timed-call.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { WorkerPermits } from "./worker-permits.ts";

/** When to ask again while an order by hand without an end holds. */
const ORDER_ASK_AGAIN_MS = 60_000;
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
  readonly #bucket: TokenBucket | undefined;
  readonly #statistics: Statistics;
  readonly #timing: CallTiming;
  #heldOffUntilMs = 0;
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
    this.#bucket = policy.rateLimit && new TokenBucket(policy.rateLimit, nowMs);
    this.#statistics = new Statistics(policy.circuit?.windowMs ?? WINDOW_MS, nowMs);
    this.#askedMs = nowMs;
    this.#circuit =
      policy.circuit &&
      new Circuit({
        ...{ policy: policy.circuit, clock },
        judgedByOthers: (changedMs) => others.judged(changedMs, clock.now()),
        mayProbe: () => others.isElected(worker, clock.now()),
      });
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
    const closedUntil = this.#closedUntil(nowMs, value);
    // A policy that throws is told as the outcome of `run`: here is nobody to tell.
    if (closedUntil instanceof PolicyProblem) return undefined;
    const refusal = this.#whyNot(nowMs, closedUntil, this.#queued);
    return this.#counted(refusal ?? (this.#isQueueFull ? this.#queueFull(nowMs) : undefined), nowMs);
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
      ...{ askedMs: this.#askedMs, heldOffUntilMs: this.#heldOffUntilMs },
    };
  }

  /** Whether nothing would be lost if it began anew. */
  isIdle(nowMs: number): boolean {
    return (
      !this.isInUse &&
      nowMs - this.#askedMs >= IDLE_AFTER_MS &&
      this.#heldOffUntilMs <= nowMs &&
      (this.#circuit?.state ?? "closed") === "closed" &&
      (this.#bucket?.isFull(nowMs) ?? true)
    );
  }

  get isInUse(): boolean {
    return this.#inFlight > 0 || this.#queued > 0 || this.#statistics.waiting.records > 0;
  }

  /** The others have news about the institution, or have fallen silent. */
  heedOthers(): void {
    const { others, clock } = this.#options;
    const nowMs = clock.now();
    this.#bucket?.shareWith(others.workers(nowMs), nowMs);
    if (others.latestCircuit !== undefined) this.#circuit?.adopt(others.latestCircuit);
    if (others.overrideAt(nowMs) === undefined) this.#circuit?.judge();
  }

  /** Begins anew: closed, nothing counted, nothing held off. */
  reset({ atMs }: Override): void {
    this.#circuit?.reset(atMs);
    this.#statistics.clear(this.#options.clock.now());
    this.#heldOffUntilMs = 0;
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
    const closedUntil = this.#closedUntil(nowMs, options.value);
    if (closedUntil instanceof PolicyProblem)
      return Promise.resolve({ called: true, outcome: failed(closedUntil.message), durationMs: 0 });
    const refusal = this.#counted(this.#whyNot(nowMs, closedUntil, 0), nowMs);
    if (refusal !== undefined) return Promise.resolve({ called: false, refusal });
    this.#bucket?.take(nowMs);
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
      this.#heldOffUntilMs = outcome.untilMs ?? nowMs + this.#options.policy.retry.backoffMs;
    return { called: true, outcome, durationMs };
  }

  /** @param ahead how many wait for the same tokens */
  #whyNot(nowMs: number, closedUntilMs: number | undefined, ahead: number): Refusal | undefined {
    const override = this.#options.others.overrideAt(nowMs);
    if (override?.state === "open")
      return { reason: "opened-by-hand", untilMs: override.untilMs ?? nowMs + ORDER_ASK_AGAIN_MS };
    const later = (reason: RefusalReason, untilMs: number | undefined): Refusal | undefined =>
      untilMs !== undefined && untilMs > nowMs ? { reason, untilMs } : undefined;
    return (
      later("held-off", this.#heldOffUntilMs) ??
      later("closed", closedUntilMs) ??
      later("circuit-open", override === undefined ? this.#circuit?.refusedUntilMs(nowMs) : undefined) ??
      later("rate-limited", this.#bucket?.freeAtMs(nowMs, ahead))
    );
  }

  get #isQueueFull(): boolean {
    return this.#permits.areTaken && this.#permits.waiting >= this.#options.policy.queueMax;
  }

  #queueFull(nowMs: number): Refusal {
    const waitMs = this.#permits.waiting / this.#statistics.throughput(nowMs);
    const untilMs = nowMs + Math.ceil(Math.min(QUEUE_WAIT_MAX_MS, Math.max(QUEUE_WAIT_MIN_MS, waitMs || 0)));
    return { reason: "queue-full", untilMs };
  }

  #closedUntil(nowMs: number, value: unknown): number | undefined | PolicyProblem {
    try {
      return this.#options.policy.closedUntil?.(nowMs, value as never);
    } catch (error) {
      return new PolicyProblem(error);
    }
  }

  #counted<T extends Refusal | undefined>(refusal: T, nowMs: number): T {
    if (refusal !== undefined) this.#statistics.refused(refusal.reason, nowMs);
    return refusal;
  }
}

/** What `closedUntil`, a user's function, threw. */
class PolicyProblem {
  readonly message: string;
  constructor(error: unknown) {
    this.message = `closedUntil of the policy failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const NO_CIRCUIT: CircuitReport = {
  ...{ state: "closed", changedMs: 0, untilMs: 0, openForMs: 0 },
  judged: { calls: 0, failures: 0, slow: 0 },
};
