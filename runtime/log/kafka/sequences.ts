import type { TopicPartition } from "../port.ts";
import { keyOf } from "./grouping.ts";

/** Sequence numbers are 31 bits, and begin again at 0. */
const SEQUENCE_END = 2 ** 31;

/** How many records a producer has sent to each partition: the broker accepts them in this order, and each once. */
export class Sequences {
  readonly #next = new Map<string, number>();

  next(where: TopicPartition): number {
    return this.#next.get(keyOf(where)) ?? 0;
  }

  advance(where: TopicPartition, records: number): void {
    this.#next.set(keyOf(where), (this.next(where) + records) % SEQUENCE_END);
  }
}
