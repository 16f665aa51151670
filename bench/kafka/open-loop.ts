import { setTimeout as sleep } from "node:timers/promises";
import type { LogAccess } from "../../runtime/log/port.ts";
import { makePayment, seededRandom } from "../engine-fixtures.ts";
import { paymentWriter } from "./write-payments.ts";

export interface OpenLoop {
  readonly source: string;
  readonly keys: number;
  readonly recordsPerSecond: number;
  readonly seconds: number;
}

const TICK_MS = 2;
/** Calls under way at once; what is due meanwhile goes with the next one. */
const CALLS_MAX = 8;

/** The same clock in every process of the machine, finer than Date.now. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/**
 * Writes approved payments at a steady rate, whatever becomes of them: each has the time at which it is due as its event time and its
 * timestamp, also when it leaves late. So a stall counts against every record that it delays, not only against one.
 * @returns when it started
 */
export async function makeOpenLoop(
  log: LogAccess,
  { source, keys, recordsPerSecond, seconds }: OpenLoop,
  onDue: (key: string, dueMs: number) => void,
): Promise<number> {
  const write = await paymentWriter(log, source);
  const random = seededRandom(11);
  const records = recordsPerSecond * seconds;
  const underWay = new Set<Promise<void>>();
  const startedMs = nowMs();
  const dueMs = (n: number) => startedMs + (n * 1_000) / recordsPerSecond;
  for (let n = 0; n < records; ) {
    const batch = [];
    for (; n < records && dueMs(n) <= nowMs(); n++) {
      const payment = makePayment(n, Math.floor(dueMs(n)), Math.floor(random() * keys), random);
      onDue(payment.customerId, dueMs(n));
      batch.push({ ...payment, status: "APPROVED" });
    }
    if (batch.length > 0) {
      const written = write(batch).finally(() => underWay.delete(written));
      underWay.add(written);
    }
    if (underWay.size >= CALLS_MAX) await Promise.race(underWay);
    else await sleep(TICK_MS);
  }
  await Promise.all(underWay);
  return startedMs;
}
