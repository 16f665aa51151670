import type { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { Clock } from "../../time/clock.ts";
import type { FetchedBatch, Isolation, PartitionOffset, TopicPartition } from "../port.ts";
import type { PartitionLog, PartitionRead } from "./partition-log.ts";
import { topicReplaced, unknownTopic } from "./refusals.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

export interface FetcherOptions {
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly isolation: Isolation;
  /** Per partition and fetch. */
  readonly partitionBytesMax: number;
  /** Per fetch; a fetch returns at least one batch. */
  readonly fetchBytesMax: number;
}

/** An assigned partition; without a position it gives nothing. */
interface Assigned extends TopicPartition {
  position: number | undefined;
  isPaused: boolean;
  /** Undefined if the topic did not exist when it was assigned: the next fetch says so. */
  readonly log: PartitionLog | undefined;
  readonly stopListening: () => void;
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/**
 * The positions of a reader, and what it may fetch now. Partitions report when they have moved, so a fetch looks only at those
 * that may have something, and a waiting reader wakes at once.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #assigned = new Map<string, Assigned>();
  readonly #ready = new Set<Assigned>();
  #isWoken = false;
  #endWait: (() => void) | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  has(where: TopicPartition): boolean {
    return this.#assigned.has(keyOf(where));
  }

  /** Adds partitions, or moves those already assigned; what is being read from an old position is dropped. */
  assign(where: TopicPartition, position: number | undefined): void {
    const isPaused = this.#assigned.get(keyOf(where))?.isPaused ?? false;
    this.unassign(where);
    const { topic, partition } = where;
    const log = this.#options.catalog.find(where);
    const stopListening = log?.onMoved(() => this.#offer(assigned)) ?? (() => {});
    const assigned: Assigned = { topic, partition, log, position, isPaused, stopListening };
    this.#assigned.set(keyOf(where), assigned);
    this.#offer(assigned);
  }

  unassign(where: TopicPartition): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned === undefined) return;
    assigned.stopListening();
    this.#assigned.delete(keyOf(where));
    this.#ready.delete(assigned);
  }

  clear(): void {
    for (const assigned of this.#assigned.values()) assigned.stopListening();
    this.#assigned.clear();
    this.#ready.clear();
  }

  setPaused(where: TopicPartition, isPaused: boolean): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned === undefined) return;
    assigned.isPaused = isPaused;
    if (!isPaused) this.#offer(assigned);
  }

  /** What is available now. An error of one partition waits until what came before it has been returned. */
  async fetch(): Promise<readonly FetchedBatch[]> {
    const batches: FetchedBatch[] = [];
    let bytesLeft = this.#options.fetchBytesMax;
    for (const assigned of [...this.#ready]) {
      if (bytesLeft <= 0) break;
      try {
        const batch = await this.#fetchFrom(assigned, Math.min(bytesLeft, this.#options.partitionBytesMax));
        if (batch === undefined) continue;
        batches.push(batch);
        bytesLeft -= sizeOf(batch);
      } catch (error) {
        if (batches.length === 0) throw error;
        break;
      }
    }
    return batches;
  }

  /** Waits until something may have changed; false when the time is over. */
  async wait(deadlineMs: number): Promise<boolean> {
    const remainingMs = deadlineMs - this.#options.clock.now();
    if (remainingMs <= 0) return false;
    if (!this.#isWoken) {
      const ended = new AbortController();
      this.#endWait = () => ended.abort();
      await this.#options.clock.sleep(remainingMs, ended.signal);
      this.#endWait = undefined;
    }
    this.#isWoken = false;
    return true;
  }

  /** Ends the wait in progress, or the next one. */
  wake(): void {
    this.#isWoken = true;
    this.#endWait?.();
  }

  #offer(assigned: Assigned): void {
    if (assigned.position === undefined || assigned.isPaused) return;
    this.#ready.add(assigned);
    this.wake();
  }

  async #fetchFrom(assigned: Assigned, bytesMax: number): Promise<FetchedBatch | undefined> {
    const { topic, partition, log, position, isPaused } = assigned;
    if (!this.#ready.has(assigned) || position === undefined || isPaused) return this.#skip(assigned);
    if (log === undefined) return this.#assignLate(assigned, position);
    if (log.isDeleted) throw this.#gone(assigned);
    const reading = log.read(position, this.#options.isolation, bytesMax);
    const read: PartitionRead = reading instanceof Promise ? await reading : reading;
    if (!this.#ready.has(assigned) || assigned.isPaused) return this.#skip(assigned);
    if (read.nextOffset === position) return this.#skip(assigned);
    assigned.position = read.nextOffset;
    this.#ready.delete(assigned);
    if (read.nextOffset < log.limit(this.#options.isolation)) this.#ready.add(assigned);
    return { topic, partition, ...read };
  }

  /** The topic did not exist when it was assigned; perhaps it does now. */
  #assignLate(assigned: Assigned, position: number): undefined {
    this.#options.catalog.require(assigned);
    this.assign(assigned, position);
  }

  #gone(assigned: Assigned): MulgilError {
    const { catalog } = this.#options;
    return catalog.find(assigned) === undefined ? unknownTopic(assigned.topic, catalog.names) : topicReplaced(assigned);
  }

  #skip(assigned: Assigned): undefined {
    this.#ready.delete(assigned);
  }
}

function sizeOf({ records }: FetchedBatch): number {
  let bytes = 0;
  for (const { key, value } of records) bytes += 32 + (key?.length ?? 0) + (value?.length ?? 0);
  return bytes;
}

/** The positions of a list, for callers that assign many. */
export function assignAll(fetcher: Fetcher, positions: readonly PartitionOffset[]): void {
  for (const position of positions) fetcher.assign(position, position.offset);
}
