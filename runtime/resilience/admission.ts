import type { Refusal, RefusalReason } from "./attempt.ts";
import type { Circuit } from "./circuit.ts";
import type { Others } from "./others.ts";
import type { ReadPolicy } from "./read-policy.ts";
import { TokenBucket } from "./token-bucket.ts";

/** When to ask again while an order by hand without an end holds. */
const ORDER_ASK_AGAIN_MS = 60_000;

export interface AdmissionOptions {
  readonly policy: Pick<ReadPolicy, "closedUntil" | "rateLimit">;
  readonly circuit: Circuit | undefined;
  readonly others: Others;
}

/** What `closedUntil`, a user's function, threw. */
export class PolicyProblem {
  readonly message: string;
  constructor(error: unknown) {
    this.message = `closedUntil of the policy failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Whether a call of one institution may begin, as far as time decides: orders by hand, hold-offs, windows, the circuit, the rate limit. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #bucket: TokenBucket | undefined;
  /** No calls until then: the institution said so. */
  heldOffUntilMs = 0;

  constructor(options: AdmissionOptions, nowMs: number) {
    this.#options = options;
    this.#bucket = options.policy.rateLimit && new TokenBucket(options.policy.rateLimit, nowMs);
  }

  /**
   * Why no call may begin. Reserves nothing.
   * @param ahead how many wait for the same tokens
   */
  whyNot(nowMs: number, value: unknown, ahead: number): Refusal | PolicyProblem | undefined {
    const { circuit, others } = this.#options;
    const override = others.overrideAt(nowMs);
    if (override?.state === "open")
      return { reason: "opened-by-hand", untilMs: override.untilMs ?? nowMs + ORDER_ASK_AGAIN_MS };
    const closedUntil = this.#closedUntil(nowMs, value);
    if (closedUntil instanceof PolicyProblem) return closedUntil;
    const later = (reason: RefusalReason, untilMs: number | undefined): Refusal | undefined =>
      untilMs !== undefined && untilMs > nowMs ? { reason, untilMs } : undefined;
    return (
      later("held-off", this.heldOffUntilMs) ??
      later("closed", closedUntil) ??
      later("circuit-open", override === undefined ? circuit?.refusedUntilMs(nowMs) : undefined) ??
      later("rate-limited", this.#bucket?.freeAtMs(nowMs, ahead))
    );
  }

  /** A call begins. */
  take(nowMs: number): void {
    this.#bucket?.take(nowMs);
  }

  shareWith(workers: number, nowMs: number): void {
    this.#bucket?.shareWith(workers, nowMs);
  }

  /** Whether nothing would be lost if it began anew. */
  isIdle(nowMs: number): boolean {
    return this.heldOffUntilMs <= nowMs && (this.#bucket?.isFull(nowMs) ?? true);
  }

  #closedUntil(nowMs: number, value: unknown): number | undefined | PolicyProblem {
    try {
      return this.#options.policy.closedUntil?.(nowMs, value as never);
    } catch (error) {
      return new PolicyProblem(error);
    }
  }
}
