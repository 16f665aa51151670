import { setTimeout as sleep } from "node:timers/promises";
import type { LogAccess, LogReader } from "../../runtime/log/port.ts";
import { PARTITIONS } from "./payments-job.ts";

/** Committed outputs that became visible together. */
interface Arrival {
  readonly partition: number;
  /** By `performance.now`. */
  readonly atMs: number;
}

const POLL_MAX_MS = 100;
const LOOK_MS = 10;
const ARRIVAL_MAX_MS = 180_000;

/** Notes when outputs of a job become visible to a read_committed reader; those that are there before are left out. */
export class OutputWatch {
  readonly #arrivals: Arrival[] = [];
  readonly #reader: LogReader;
  readonly #reading: Promise<void>;
  #isClosed = false;

  private constructor(reader: LogReader) {
    this.#reader = reader;
    this.#reading = this.#read();
  }

  static async open(log: LogAccess, topic: string): Promise<OutputWatch> {
    const reader = await log.openReader({ isolation: "read_committed" });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
    reader.assign(await log.listOffsets(partitions, "latest", "read_committed"));
    return new OutputWatch(reader);
  }

  /** The first arrival after a moment. @throws {Error} if minutes pass without one */
  async firstAfter(sinceMs: number, partition?: number): Promise<number> {
    const deadlineMs = performance.now() + ARRIVAL_MAX_MS;
    for (;;) {
      const found = this.#of(partition).find((atMs) => atMs > sinceMs);
      if (found !== undefined) return found;
      if (performance.now() > deadlineMs) throw new Error("no output has become visible for minutes");
      await sleep(LOOK_MS);
    }
  }

  /** The longest time without an arrival of a partition that lies at least in part between two moments; what goes on at the end counts as far. */
  longestPauseMs(partition: number, fromMs: number, untilMs: number): number {
    const atMs = [...this.#of(partition).filter((at) => at < untilMs), untilMs];
    return atMs.reduce((longest, at, index) => {
      const before = atMs[index - 1];
      return before !== undefined && at >= fromMs ? Math.max(longest, at - before) : longest;
    }, 0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reading;
    await this.#reader.close();
  }

  #of(partition: number | undefined): readonly number[] {
    return this.#arrivals
      .filter((arrival) => partition === undefined || arrival.partition === partition)
      .map(({ atMs }) => atMs);
  }

  async #read(): Promise<void> {
    while (!this.#isClosed) {
      for (const { partition, records } of await this.#reader.poll(POLL_MAX_MS)) {
        if (records.length > 0) this.#arrivals.push({ partition, atMs: performance.now() });
      }
    }
  }
}
