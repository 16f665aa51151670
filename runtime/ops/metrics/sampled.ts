import type { Clock } from "../../time/clock.ts";

/** Something that takes too long to be looked up for everybody who asks: it is looked up beside, if it is older than `everyMs`. */
export class Sampled<Value> {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #value: Value;
  #atMs = -Infinity;
  #isUnderWay = false;

  constructor(options: { readonly clock: Clock; readonly everyMs: number; readonly first: Value }) {
    this.#clock = options.clock;
    this.#everyMs = options.everyMs;
    this.#value = options.first;
  }

  /** As of the last time. A look that fails leaves what there was: brokers may be away. */
  latest(look: (before: Value) => Promise<Value>): Value {
    if (!this.#isUnderWay && this.#clock.now() - this.#atMs >= this.#everyMs) void this.#look(look);
    return this.#value;
  }

  async #look(look: (before: Value) => Promise<Value>): Promise<void> {
    this.#isUnderWay = true;
    try {
      this.#value = await look(this.#value);
    } catch {
      // The next one who asks has it looked up again.
    } finally {
      this.#atMs = this.#clock.now();
      this.#isUnderWay = false;
    }
  }
}
