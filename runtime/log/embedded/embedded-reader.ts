import type { Clock } from "../../time/clock.ts";
import type { FetchedBatch, LogReader, PartitionOffset, TopicPartition } from "../port.ts";
import { assignAll, type Fetcher } from "./fetcher.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { closed, concurrentPoll } from "./refusals.ts";
import type { TransactionCoordinator } from "./transaction-coordinator.ts";

export interface ReaderServices {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly transactions: TransactionCoordinator;
}

/** Self-assigned reading without a group. */
export class EmbeddedReader implements LogReader {
  readonly #services: ReaderServices;
  readonly #fetcher: Fetcher;
  readonly #stopWatching: () => void;
  #isClosed = false;
  #isPolling = false;

  constructor(services: ReaderServices, fetcher: Fetcher) {
    this.#services = services;
    this.#fetcher = fetcher;
    this.#stopWatching = services.lifecycle.onClose(() => fetcher.wake());
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
      return await this.#poll(this.#services.clock.now() + waitMaxMs);
    } finally {
      this.#isPolling = false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    this.#fetcher.clear();
    this.#fetcher.wake();
  }

  async #poll(deadlineMs: number): Promise<readonly FetchedBatch[]> {
    const { lifecycle, transactions } = this.#services;
    while (!this.#isClosed && !lifecycle.isClosed) {
      transactions.expire();
      const batches = await lifecycle.track(() => this.#fetcher.fetch());
      if (batches.length > 0) return batches;
      if (!(await this.#fetcher.wait(deadlineMs))) return batches;
    }
    return [];
  }

  #assertOpen(): void {
    this.#services.lifecycle.assertOpen();
    if (this.#isClosed) throw closed("reader");
  }
}
