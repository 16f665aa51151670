/** That a resource was answered to its last page. */
export interface Delivery {
  /** What the caller sent as x-mulgil-idempotency-key; "" without one. */
  readonly idempotencyKey: string;
  readonly customer: string;
  /** Path and asset: "/accounts/deposit/transactions 1104829910010". */
  readonly resource: string;
}

export interface CountedDelivery extends Delivery {
  /** Answers to the last page that were sent completely, with data. */
  readonly completions: number;
  /** The same, where nothing had changed. */
  readonly unchanged: number;
}

export interface DeliveryTotals {
  readonly completions: number;
  readonly unchanged: number;
  /** Deliveries under an idempotency key that were completed more than once. */
  readonly repeated: number;
  /** Deliveries that the log no longer has: it is full. If there are any, `repeated` may be too low. */
  readonly forgotten: number;
}

/** Counts what was collected, and how often. Bounded: the oldest delivery is forgotten, and counted as such. */
export class Deliveries {
  readonly #deliveriesMax: number;
  readonly #counted = new Map<string, CountedDelivery>();
  #completions = 0;
  #unchanged = 0;
  #repeated = 0;
  #forgotten = 0;

  constructor(deliveriesMax: number) {
    this.#deliveriesMax = deliveriesMax;
  }

  add(delivery: Delivery, hasData: boolean): void {
    const key = [delivery.idempotencyKey, delivery.customer, delivery.resource].join("\n");
    const before = this.#counted.get(key);
    if (before === undefined) this.#makeRoom();
    const { completions, unchanged } = before ?? { completions: 0, unchanged: 0 };
    if (before !== undefined && delivery.idempotencyKey !== "" && completions + unchanged === 1) this.#repeated++;
    this.#counted.set(key, {
      ...delivery,
      completions: completions + (hasData ? 1 : 0),
      unchanged: unchanged + (hasData ? 0 : 1),
    });
    if (hasData) this.#completions++;
    else this.#unchanged++;
  }

  get totals(): DeliveryTotals {
    return {
      completions: this.#completions,
      unchanged: this.#unchanged,
      repeated: this.#repeated,
      forgotten: this.#forgotten,
    };
  }

  /** In order of their first completion. */
  list(): readonly CountedDelivery[] {
    return [...this.#counted.values()];
  }

  #makeRoom(): void {
    if (this.#counted.size < this.#deliveriesMax) return;
    this.#counted.delete(this.#counted.keys().next().value!);
    this.#forgotten++;
  }
}
