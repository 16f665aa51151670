import { setTimeout as sleep } from "node:timers/promises";
import type { LogAccess } from "../../runtime/log/port.ts";
import { nowMs } from "./open-loop.ts";
import { PARTITIONS } from "./payments-job.ts";

export interface SliceLatency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const SEEN_MAX_MS = 60_000;
const LOOK_MS = 50;
const POLL_MAX_MS = 200;

/**
 * How long it takes until a topic shows, to a read_committed reader, what a record of the source has caused: a record of the same key whose
 * timestamp, the latest event time in it, is not before that record's.
 */
export class LatencyProbe {
  readonly #pending = new Map<string, number[]>();
  readonly #seen: { readonly dueMs: number; readonly latencyMs: number }[] = [];
  #pendingRecords = 0;

  expect(key: string, dueMs: number): void {
    const waiting = this.#pending.get(key);
    if (waiting === undefined) this.#pending.set(key, [dueMs]);
    else waiting.push(dueMs);
    this.#pendingRecords++;
  }

  async watch(log: LogAccess, topic: string, signal: AbortSignal): Promise<void> {
    const reader = await log.openReader({ isolation: "read_committed" });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
    reader.assign(await log.listOffsets(partitions, "earliest", "read_committed"));
    while (!signal.aborted) {
      for (const { records } of await reader.poll(POLL_MAX_MS)) {
        const seenMs = nowMs();
        for (const { key, timestampMs } of records) this.#see(key!.toString(), timestampMs, seenMs);
      }
    }
    await reader.close();
  }

  /** @throws {Error} if something of what was written never shows */
  async allSeen(): Promise<void> {
    const deadlineMs = performance.now() + SEEN_MAX_MS;
    while (this.#pendingRecords > 0) {
      if (performance.now() > deadlineMs) throw new Error(`${this.#pendingRecords} records have not shown in a minute`);
      await sleep(LOOK_MS);
    }
  }

  slices(fromMs: number, untilMs: number, count: number): readonly SliceLatency[] {
    const sizeMs = (untilMs - fromMs) / count;
    return Array.from({ length: count }, (_, slice) => {
      const startMs = fromMs + slice * sizeMs;
      const own = this.#seen.filter(({ dueMs }) => dueMs >= startMs && dueMs < startMs + sizeMs);
      const sorted = own.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
      const quantile = (share: number) => sorted[Math.floor(share * sorted.length)]!;
      return { p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
    });
  }

  #see(key: string, timestampMs: number, seenMs: number): void {
    const waiting = this.#pending.get(key);
    while (waiting !== undefined && waiting.length > 0 && Math.floor(waiting[0]!) <= timestampMs) {
      const dueMs = waiting.shift()!;
      this.#seen.push({ dueMs, latencyMs: seenMs - dueMs });
      this.#pendingRecords--;
    }
  }
}
