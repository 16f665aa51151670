const FIRST_MS = 1_000;
const MAX_MS = 30_000;
/** Whoever ran for so long was well: the next trouble is a new one. */
const HEALTHY_MS = 60_000;

/** How long a worker that died waits before it is started again: twice as long each time, as long as it dies young. */
export class BackOff {
  #nextMs = FIRST_MS;

  waitMsAfter(ranMs: number): number {
    const waitMs = ranMs >= HEALTHY_MS ? FIRST_MS : this.#nextMs;
    this.#nextMs = Math.min(MAX_MS, 2 * waitMs);
    return waitMs;
  }
}
