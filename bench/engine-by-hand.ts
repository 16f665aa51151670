import { Level } from "level";
import { avroTypeOf } from "../schemas/avro-type.ts";
import { projectSchema } from "../schemas/projection.ts";
import { type Events, type Projected, paymentSchema, projectedFields, WINDOW_MS } from "./engine-fixtures.ts";
import { COMMIT_RECORDS, type RunResult } from "./engine-run.ts";

interface Total {
  readonly startMs: number;
  readonly customerId: string;
  payments: number;
  total: number;
  latestMs: number;
  isChanged: boolean;
}

const FRAME_BYTES = 5;
const KEY_BYTES = 1 + 8 + 3 * 64;
const VALUE_BYTES = 40;

/**
 * The same work as the engine's, written for this one job: decoding in place, one Map a window, no look-up of what a newer window cannot
 * have, keys joined at the commit, one slab for a commit's bytes, LevelDB written in chained batches that the next records overlap.
 */
export async function runByHand({ values }: Events, directory: string): Promise<RunResult> {
  const reader = avroTypeOf(projectSchema(paymentSchema.avro, projectedFields));
  const resolver = reader.createResolver(avroTypeOf(paymentSchema.avro));
  const level = new Level<Buffer, Buffer>(directory, { keyEncoding: "buffer", valueEncoding: "buffer" });
  await level.open();
  const windows = new Map<number, Map<string, Total>>();
  let [results, total, changelogBytes] = [0, 0, 0];
  let changed: Total[] = [];
  let written: Promise<void> = Promise.resolve();

  const started = performance.now();
  for (let from = 0; from < values.length; from += COMMIT_RECORDS) {
    const to = Math.min(values.length, from + COMMIT_RECORDS);
    for (let n = from; n < to; n++) {
      const payment = reader.decode(values[n]!, FRAME_BYTES, resolver).value as Projected;
      if (payment.status !== "APPROVED") continue;
      const startMs = payment.occurredAt - (payment.occurredAt % WINDOW_MS);
      let window = windows.get(startMs);
      if (window === undefined) {
        window = new Map();
        windows.set(startMs, window);
      }
      let sums = window.get(payment.customerId);
      if (sums === undefined) {
        sums = { startMs, customerId: payment.customerId, payments: 0, total: 0, latestMs: 0, isChanged: false };
        window.set(payment.customerId, sums);
      }
      sums.payments++;
      sums.total += payment.amount;
      if (payment.occurredAt > sums.latestMs) sums.latestMs = payment.occurredAt;
      if (!sums.isChanged) {
        sums.isChanged = true;
        changed.push(sums);
      }
    }
    await written;
    const slab = Buffer.allocUnsafe(changed.length * (KEY_BYTES + VALUE_BYTES));
    const batch = level.batch();
    let at = 0;
    for (const sums of changed) {
      const result = {
        windowStartMs: sums.startMs,
        windowEndMs: sums.startMs + WINDOW_MS,
        payments: sums.payments,
        total: sums.total,
      };
      results++;
      total += result.total;
      sums.isChanged = false;
      const keyStart = at;
      slab[at] = 1;
      at = slab.writeDoubleBE(sums.startMs, at + 1);
      at += slab.write(sums.customerId, at, "utf8");
      const valueStart = at;
      at = slab.writeDoubleBE(sums.latestMs, at);
      at = slab.writeDoubleBE(sums.payments, at);
      at = slab.writeDoubleBE(sums.total, at);
      batch.put(slab.subarray(keyStart, valueStart), slab.subarray(valueStart, at));
    }
    changelogBytes += at;
    changed = [];
    written = batch.write();
    // What has closed goes.
    const openFromMs =
      (values.length > to ? lastTime(reader, values[to]!, resolver) : Number.POSITIVE_INFINITY) - 2 * WINDOW_MS;
    for (const startMs of windows.keys()) if (startMs < openFromMs) windows.delete(startMs);
  }
  await written;
  const seconds = (performance.now() - started) / 1_000;
  await level.close();
  return { seconds, results, total, changelogBytes };
}

function lastTime(
  reader: ReturnType<typeof avroTypeOf>,
  value: Buffer,
  resolver: ReturnType<typeof reader.createResolver>,
): number {
  return (reader.decode(value, FRAME_BYTES, resolver).value as Projected).occurredAt;
}
