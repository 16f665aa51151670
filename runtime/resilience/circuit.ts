import type { Clock } from "../time/clock.ts";
import { type EndedCall, verdictOn } from "./ended-call.ts";
import { makeBreaker, type OpossumBreaker } from "./opossum-breaker.ts";
import { ProbeRound } from "./probe-round.ts";
import type { ReadCircuitPolicy } from "./read-policy.ts";
import type { CircuitReport, CircuitState, JudgedCounts } from "./resource-report.ts";
import { RollingCounts } from "./rolling-counts.ts";

/** When to ask again where nobody knows: another worker probes, or the probes are under way. */
const ASK_AGAIN_MS = 1_000;
/** A failed call is no rejection to whoever called. */
const asIs = (ended: unknown) => ended;
const JUDGED = ["calls", "failures", "slow"] as const;

export interface CircuitOptions {
  readonly policy: ReadCircuitPolicy;
  readonly clock: Clock;
  /** What other workers counted since this stamp: they have the same circuit. */
  readonly judgedByOthers: (changedMs: number) => JudgedCounts;
  /** Whether it is this worker that probes. */
  readonly mayProbe: () => boolean;
}

/**
 * One institution's circuit in one worker, shared with the others by its stamp: the latest change wins.
 *
 *   closed ──(too many failures or slow calls, pooled)──▶ open ──(untilMs is over, and this worker probes)──▶ halfOpen
 *     ▲                                                    ▲                                                 │  │
 *     │                                                    └───────(a probe fails: twice as long)────────────┘  │
 *     └──────────────────────────(all probes succeed)───────────────────────────────────────────────────────────┘
 *
 * opossum has the states and lets calls through; a breaker lives from one half-open state to the next, so that calls of an earlier life cannot change
 * a later one. The one call that opossum allows in the half-open state is a round of probes.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #judged: RollingCounts<(typeof JUDGED)[number]>;
  #breaker: OpossumBreaker;
  #round: ProbeRound | undefined;
  /** The round as opossum sees it: settled when the circuit has closed or opened. */
  #roundFired: Promise<unknown> = Promise.resolve();
  #changedMs = 0;
  #untilMs = 0;
  #openForMs = 0;

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#judged = new RollingCounts(options.policy.windowMs);
    this.#breaker = this.#newBreaker("closed");
  }

  get state(): CircuitState {
    if (this.#breaker.closed) return "closed";
    return this.#breaker.opened ? "open" : "halfOpen";
  }

  /** When to come back, if no call may begin now. Begins the half-open state when it is time. */
  refusedUntilMs(nowMs: number): number | undefined {
    if (this.#breaker.closed) return undefined;
    if (this.#breaker.opened) {
      if (nowMs < this.#untilMs) return this.#untilMs;
      if (!this.#options.mayProbe()) return nowMs + ASK_AGAIN_MS;
      this.#beginProbing();
    }
    return this.#round!.hasRoom ? undefined : nowMs + ASK_AGAIN_MS;
  }

  /** Makes a call that `refusedUntilMs` has just allowed. When it resolves, what follows for the circuit has happened. */
  run(call: () => Promise<EndedCall>): Promise<EndedCall> {
    return this.#round === undefined ? this.#runClosed(call) : this.#probe(call, this.#round);
  }

  /** What others have may be later than what this one has. */
  adopt(other: Pick<CircuitReport, "state" | "changedMs" | "untilMs" | "openForMs">): void {
    if (other.changedMs <= this.#changedMs) return;
    if (other.state === "closed") this.#restart();
    else {
      this.#breaker.open();
      this.#untilMs = other.untilMs;
      this.#openForMs = other.openForMs;
    }
    this.#changedMs = other.changedMs;
  }

  /** Closes it, and forgets what it judged by. */
  reset(atMs: number): void {
    this.#restart();
    this.#changedMs = Math.max(atMs, this.#changedMs + 1);
  }

  /** Opens it if what all workers counted together says so. */
  judge(): void {
    if (this.#breaker.closed && this.#isTooBad(this.#pooled())) this.#breaker.open();
  }

  report(nowMs: number): CircuitReport {
    return {
      ...{ state: this.state, changedMs: this.#changedMs, untilMs: this.#untilMs, openForMs: this.#openForMs },
      judged: this.#judged.totalsOf(JUDGED, nowMs),
    };
  }

  #runClosed(call: () => Promise<EndedCall>): Promise<EndedCall> {
    const breaker = this.#breaker;
    const work = () =>
      call().then((ended) => {
        if (breaker === this.#breaker && breaker.closed) this.#count(ended);
        if (verdictOn(ended) === "failure") throw ended;
        return ended;
      });
    return breaker.fire(work).catch(asIs) as Promise<EndedCall>;
  }

  async #probe(call: () => Promise<EndedCall>, round: ProbeRound): Promise<EndedCall> {
    const fired = this.#roundFired;
    round.begin();
    const ended = await call();
    if (round.end(verdictOn(ended))) await fired;
    return ended;
  }

  #count(ended: EndedCall): void {
    const verdict = verdictOn(ended);
    if (ended.kind === "aborted" || verdict === "neither") return;
    const nowMs = this.#options.clock.now();
    this.#judged.add("calls", nowMs);
    if (verdict === "failure") this.#judged.add("failures", nowMs);
    else if (ended.durationMs > (this.#options.policy.slowAfterMs ?? Infinity)) {
      this.#judged.add("slow", nowMs);
      this.judge();
    }
  }

  #pooled(): JudgedCounts {
    const own = this.#judged.totalsOf(JUDGED, this.#options.clock.now());
    const others = this.#options.judgedByOthers(this.#changedMs);
    return {
      calls: own.calls + others.calls,
      failures: own.failures + others.failures,
      slow: own.slow + others.slow,
    };
  }

  #isTooBad({ calls, failures, slow }: JudgedCounts): boolean {
    const { callsMin, errorRate, slowRate } = this.#options.policy;
    return calls >= callsMin && (failures / calls >= errorRate || slow / calls >= slowRate);
  }

  #beginProbing(): void {
    const round = new ProbeRound(this.#options.policy.probes);
    this.#breaker = this.#newBreaker("halfOpen");
    this.#round = round;
    this.#roundFired = this.#breaker.fire(() => round.ended).catch(() => undefined);
  }

  #restart(): void {
    this.#breaker = this.#newBreaker("closed");
    this.#beginClosed();
  }

  #newBreaker(state: "closed" | "halfOpen"): OpossumBreaker {
    const breaker: OpossumBreaker = makeBreaker({
      ...{ policy: this.#options.policy, state, judged: () => this.#pooled() },
      onOpen: () => breaker === this.#breaker && this.#opened(),
      onClose: () => breaker === this.#breaker && this.#closed(),
    });
    return breaker;
  }

  #opened(): void {
    const { openForMs, openForMaxMs } = this.#options.policy;
    const nowMs = this.#options.clock.now();
    this.#openForMs = this.#round === undefined ? openForMs : Math.min(openForMaxMs, 2 * this.#openForMs);
    this.#untilMs = nowMs + this.#openForMs;
    this.#changedMs = Math.max(nowMs, this.#changedMs + 1);
    this.#round = undefined;
  }

  #closed(): void {
    this.#changedMs = Math.max(this.#options.clock.now(), this.#changedMs + 1);
    this.#beginClosed();
  }

  #beginClosed(): void {
    this.#round = undefined;
    this.#untilMs = 0;
    this.#openForMs = 0;
    this.#judged.clear();
  }
}
