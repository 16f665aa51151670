const SECOND_MS = 1_000;

/** So many calls in any second: a second's worth may come at once, and the room for each comes back evenly. Calls that are refused take no room. */
export class RateLimit {
  /** When all room would be back. */
  #restedMs = 0;

  /** How long the call has to wait; 0: it may pass, and has taken its room. */
  take(callsPerSecondMax: number, nowMs: number): number {
    const intervalMs = SECOND_MS / callsPerSecondMax;
    const nextMs = Math.max(this.#restedMs, nowMs) + intervalMs;
    const roomMs = Math.max(SECOND_MS, intervalMs);
    if (nextMs - nowMs > roomMs) return nextMs - nowMs - roomMs;
    this.#restedMs = nextMs;
    return 0;
  }
}
