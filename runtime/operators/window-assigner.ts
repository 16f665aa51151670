/**
 * Which windows there are. Ends are exclusive; the windows follow each other in order of start, without a time that is in none.
 * Windows lie on both sides of the epoch, unlike in Kafka Streams, which has none that start before it.
 */
export interface WindowAssigner {
  /** No two windows overlap. */
  readonly isPartition: boolean;
  /** Start of the first window that holds this time. */
  firstStart(timeMs: number): number;
  /** Start of the window behind. */
  nextStart(startMs: number): number;
  endOf(startMs: number): number;
  /** A name for people. */
  labelOf(startMs: number): string;
}

/** The label of windows that follow no calendar: their start as an ISO instant. */
export const instantLabel = (timeMs: number): string => new Date(timeMs).toISOString();

/** Tumbling and hopping windows: [k·advance, k·advance + size) for all integers k. */
export class FixedWindows implements WindowAssigner {
  readonly isPartition: boolean;
  readonly #sizeMs: number;
  readonly #advanceMs: number;

  constructor(options: { readonly sizeMs: number; readonly advanceMs: number }) {
    this.#sizeMs = options.sizeMs;
    this.#advanceMs = options.advanceMs;
    this.isPartition = options.sizeMs === options.advanceMs;
  }

  firstStart(timeMs: number): number {
    return Math.floor((timeMs - this.#sizeMs) / this.#advanceMs) * this.#advanceMs + this.#advanceMs;
  }

  nextStart(startMs: number): number {
    return startMs + this.#advanceMs;
  }

  endOf(startMs: number): number {
    return startMs + this.#sizeMs;
  }

  labelOf(startMs: number): string {
    return instantLabel(startMs);
  }
}
