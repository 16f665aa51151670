import type { Clock } from "../time/clock.ts";

/** How long a worker waits for one task's asynchronous functions before it turns to its other tasks. */
const PATIENCE_MS = 20;

/** Waits for the work, but not for long; it goes on by itself then. */
export async function promptly(clock: Clock, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, clock.sleep(PATIENCE_MS, done.signal)]);
  done.abort();
}
