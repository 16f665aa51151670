import type { WindowBounds } from "../dsl/windows.ts";
import type { CurrentRecord, Receive } from "./operator.ts";

class Bounds implements WindowBounds {
  readonly startMs: number;
  readonly endMs: number;
  readonly #labelOf: (startMs: number) => string;

  constructor(startMs: number, endMs: number, labelOf: (startMs: number) => string) {
    this.startMs = startMs;
    this.endMs = endMs;
    this.#labelOf = labelOf;
  }

  /** Made when somebody reads it: most steps do not. */
  get label(): string {
    return this.#labelOf(this.startMs);
  }
}

/** Sends results with their window in the record's context. */
export class WindowOutput {
  readonly #record: CurrentRecord;
  readonly #next: Receive;
  readonly #labelOf: (startMs: number) => string;
  #last: Bounds;

  constructor(options: {
    readonly record: CurrentRecord;
    readonly next: Receive;
    readonly labelOf: (startMs: number) => string;
  }) {
    this.#record = options.record;
    this.#next = options.next;
    this.#labelOf = options.labelOf;
    this.#last = new Bounds(0, 0, options.labelOf);
  }

  /** The window of the sends that follow. */
  enter(startMs: number, endMs: number): this {
    const last = this.#last;
    if (last.startMs !== startMs || last.endMs !== endMs) this.#last = new Bounds(startMs, endMs, this.#labelOf);
    return this;
  }

  send(key: unknown, value: unknown, timestampMs: number): void {
    const record = this.#record;
    const { window } = record;
    record.window = this.#last;
    this.#next(key, value, timestampMs);
    record.window = window;
  }
}
