import type { StoredBatch } from "./stored-batch.ts";

/** Bounds the memory of all tail caches of a log together: the batch that was appended first goes first. */
export class TailCacheBudget {
  readonly #bytesMax: number;
  readonly #order = new Map<StoredBatch, TailCache>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(batch: StoredBatch, cache: TailCache): void {
    this.#order.set(batch, cache);
    this.#bytes += batch.memoryBytes;
    while (this.#bytes > this.#bytesMax) {
      const [oldest, owner] = this.#order.entries().next().value!;
      owner.dropBefore(oldest.header.lastOffset + 1);
    }
  }

  remove(batch: StoredBatch): void {
    if (this.#order.delete(batch)) this.#bytes -= batch.memoryBytes;
  }
}

/** The newest batches of one partition, without a gap up to its end, so that live readers do not read the database. */
export class TailCache {
  readonly #budget: TailCacheBudget;
  #batches: StoredBatch[] = [];
  #head = 0;
  #startOffset: number;

  constructor(budget: TailCacheBudget, startOffset: number) {
    this.#budget = budget;
    this.#startOffset = startOffset;
  }

  /** From here to the end of the partition everything is in the cache. */
  get startOffset(): number {
    return this.#startOffset;
  }

  add(batch: StoredBatch): void {
    this.#batches.push(batch);
    this.#budget.add(batch, this);
  }

  /** Forgets the batches that end before the offset. */
  dropBefore(offset: number): void {
    while (this.#head < this.#batches.length) {
      const batch = this.#batches[this.#head]!;
      if (batch.header.lastOffset >= offset) break;
      this.#head++;
      this.#startOffset = batch.header.lastOffset + 1;
      this.#budget.remove(batch);
    }
    if (this.#head * 2 >= this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The batches from `position` up to `limit`, at least one if there is any, until `bytesMax`. */
  read(position: number, limit: number, bytesMax: number): readonly StoredBatch[] {
    const found: StoredBatch[] = [];
    let bytes = 0;
    for (let i = this.#find(position); i < this.#batches.length && bytes < bytesMax; i++) {
      const batch = this.#batches[i]!;
      if (batch.header.baseOffset >= limit) break;
      found.push(batch);
      bytes += batch.bytes;
    }
    return found;
  }

  /** The index of the first batch that ends at or after the position. */
  #find(position: number): number {
    let low = this.#head;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#batches[middle]!.header.lastOffset < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
