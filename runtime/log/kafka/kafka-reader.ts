import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../time/clock.ts";
import { closed, concurrentPoll } from "../embedded/refusals.ts";
import type { FetchedBatch, LogReader, PartitionOffset, TopicPartition } from "../port.ts";
import type { Connections } from "./connections.ts";
import { assignAll, Fetcher, type FetcherOptions } from "./fetcher.ts";
import { Wake } from "./wake.ts";

export interface ReaderOptions extends Omit<FetcherOptions, "onReady"> {
  readonly clock: Clock;
  readonly connections: Connections;
  readonly isLogClosed: () => boolean;
  readonly onClosed: (reader: KafkaReader) => void;
}

/** Self-assigned reading: positions are asked of the leaders directly, and no group knows of it. */
export class KafkaReader implements LogReader {
  readonly #options: ReaderOptions;
  readonly #fetcher: Fetcher;
  readonly #wake: Wake;
  #isClosed = false;
  #isPolling = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#wake = new Wake(options.clock);
    this.#fetcher = new Fetcher({ ...options, onReady: () => this.#wake.wake() });
  }

  assign(positions: readonly PartitionOffset[]): void {
    this.#assertOpen();
    assignAll(this.#fetcher, positions);
  }

  unassign(partitions: readonly TopicPartition[]): void {
    this.#assertOpen();
    for (const partition of partitions) this.#fetcher.unassign(partition);
  }

  async poll(waitMaxMs: number): Promise<readonly FetchedBatch[]> {
    this.#assertOpen();
    if (this.#isPolling) throw concurrentPoll();
    this.#isPolling = true;
    try {
      return await this.#poll(this.#options.clock.now() + waitMaxMs);
    } finally {
      this.#isPolling = false;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fetcher.close();
    this.#wake.wake();
    this.#options.onClosed(this);
    await this.#options.connections.close();
  }

  async #poll(deadlineMs: number): Promise<readonly FetchedBatch[]> {
    while (!this.#isClosed) {
      const batches = this.#fetcher.take();
      if (batches.length > 0) return batches;
      const leftMs = deadlineMs - this.#options.clock.now();
      if (leftMs <= 0) {
        // A caller that polls without waiting must not keep the answers from coming in.
        await nextTurn();
        return this.#isClosed ? [] : this.#fetcher.take();
      }
      await this.#wake.wait(leftMs);
    }
    return [];
  }

  #assertOpen(): void {
    if (this.#options.isLogClosed()) throw closed("log");
    if (this.#isClosed) throw closed("reader");
  }
}
