/** A transaction that was aborted, in one partition: its records lie from its first offset to its marker. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly markerOffset: number;
}

/**
 * Tells readers which batches to skip. Adding never disturbs a reader that has begun, because what it may see ends before
 * every open transaction; removing gives a new index, so that such a reader keeps its own.
 */
export class AbortedTransactions {
  readonly #ofProducer = new Map<number, AbortedTransaction[]>();

  /** Calls come in the order of the markers. */
  add(transaction: AbortedTransaction): void {
    const known = this.#ofProducer.get(transaction.producerId);
    if (known === undefined) this.#ofProducer.set(transaction.producerId, [transaction]);
    else known.push(transaction);
  }

  has(producerId: number, offset: number): boolean {
    const known = this.#ofProducer.get(producerId);
    if (known === undefined) return false;
    let low = 0;
    let high = known.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (known[middle]!.markerOffset < offset) low = middle + 1;
      else high = middle;
    }
    const candidate = known[low];
    return candidate !== undefined && candidate.firstOffset <= offset;
  }

  /** Those whose marker lies before the offset. */
  before(offset: number): readonly AbortedTransaction[] {
    return [...this.#ofProducer.values()].flat().filter(({ markerOffset }) => markerOffset < offset);
  }

  /** The index without those whose marker lies before the offset. */
  from(offset: number): AbortedTransactions {
    const kept = new AbortedTransactions();
    for (const transactions of this.#ofProducer.values()) {
      for (const transaction of transactions) if (transaction.markerOffset >= offset) kept.add(transaction);
    }
    return kept;
  }
}
