import type { Clock } from "../time/clock.ts";
import type { Attempted, Refusal } from "./attempt.ts";
import { type CallItem, isFromTier } from "./call-item.ts";
import { Fifo } from "./fifo.ts";
import type { ResourceGuard } from "./resource-guard.ts";

export interface LanesOptions {
  readonly clock: Clock;
  readonly guard: (resource: string) => ResourceGuard;
  /** Begins a call. Never rejects. */
  readonly call: (item: CallItem, guard: ResourceGuard) => Promise<Attempted>;
  /** The call of an item has ended, or must not begin for now. */
  readonly settle: (item: CallItem, attempted: Attempted) => void;
  /** It is not called for, and settled. */
  readonly refused: (item: CallItem, refusal: Refusal) => void;
  /** A limit that is over so soon is waited for in memory, not in a tier. */
  readonly patienceMs: number;
}

interface Lane {
  /** Records that come from a tier go first: they have waited. */
  readonly returning: Fifo<CallItem>;
  readonly fresh: Fifo<CallItem>;
  underWay: number;
  isPumping: boolean;
  cancelTimer: (() => void) | undefined;
}

/** How long a lane whose guard is full waits before it asks again, if no call of its own ends before. */
const ASK_AGAIN_MS = 20;

/** The records of one task that may be called, by institution: each begins when its institution lets it. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  #isPaused = false;
  #isClosed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Records of an institution that wait or are called. */
  sizeOf(resource: string): number {
    const lane = this.#lanes.get(resource);
    return lane === undefined ? 0 : sizeOf(lane);
  }

  /** Institutions with records here. */
  get count(): number {
    return this.#lanes.size;
  }

  push(item: CallItem): void {
    const { resource } = item.address;
    let lane = this.#lanes.get(resource);
    if (lane === undefined) {
      lane = { returning: new Fifo(), fresh: new Fifo(), underWay: 0, isPumping: false, cancelTimer: undefined };
      this.#lanes.set(resource, lane);
    }
    (isFromTier(item) ? lane.returning : lane.fresh).push(item);
    this.#pump(resource, lane);
  }

  /** Hands nothing more over to the institutions' guards. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Hands over what has waited. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const [resource, lane] of [...this.#lanes]) this.#pump(resource, lane);
  }

  /** Calls that were handed over and have not ended. */
  get underWay(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += lane.underWay;
    return sum;
  }

  /** Begins nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const { cancelTimer } of this.#lanes.values()) cancelTimer?.();
  }

  #pump(resource: string, lane: Lane): void {
    if (lane.cancelTimer !== undefined || lane.isPumping || this.#isPaused || this.#isClosed) return;
    // What an item's end lets begin comes into the same lane.
    lane.isPumping = true;
    this.#beginAll(resource, lane);
    lane.isPumping = false;
    if (sizeOf(lane) === 0 && this.#lanes.get(resource) === lane) this.#lanes.delete(resource);
  }

  #beginAll(resource: string, lane: Lane): void {
    const guard = this.#options.guard(resource);
    for (;;) {
      const queue = lane.returning.size > 0 ? lane.returning : lane.fresh;
      const item = queue.first;
      if (item === undefined) return;
      const refusal = guard.refusal(item.value);
      const waitMs = refusal === undefined ? undefined : this.#waitHere(refusal);
      if (waitMs !== undefined) {
        this.#pumpAfter(waitMs, resource, lane);
        return;
      }
      queue.take();
      if (refusal === undefined) this.#call(item, guard, resource, lane);
      else {
        this.#options.refused(item, refusal);
        this.#options.settle(item, { called: false, refusal });
      }
    }
  }

  /** A full queue and a limit that is over soon are not worth a journey; undefined where the record has to leave. */
  #waitHere({ reason, untilMs }: Refusal): number | undefined {
    if (reason === "queue-full") return ASK_AGAIN_MS;
    const waitMs = untilMs - this.#options.clock.now();
    return reason === "rate-limited" && waitMs <= this.#options.patienceMs ? Math.max(1, waitMs) : undefined;
  }

  #pumpAfter(ms: number, resource: string, lane: Lane): void {
    lane.cancelTimer = this.#options.clock.after(ms, () => {
      lane.cancelTimer = undefined;
      this.#pump(resource, lane);
    });
  }

  #call(item: CallItem, guard: ResourceGuard, resource: string, lane: Lane): void {
    lane.underWay++;
    void this.#options.call(item, guard).then((attempted) => {
      lane.underWay--;
      if (this.#isClosed) return;
      this.#options.settle(item, attempted);
      // A permit may be free now.
      lane.cancelTimer?.();
      lane.cancelTimer = undefined;
      this.#pump(resource, lane);
    });
  }
}

const sizeOf = ({ returning, fresh, underWay }: Lane): number => returning.size + fresh.size + underWay;
