import type { WindowStore } from "../../state/store.ts";
import type { AggregateNode } from "../dsl/topology.ts";
import type { WindowSpec } from "../dsl/window-spec.ts";
import { type Accumulator, compileAccumulator, timestampOf } from "./accumulators.ts";
import { CalendarWindows } from "./calendar-windows.ts";
import { ChunkedWork } from "./chunked-work.ts";
import { keyless } from "./keyless.ts";
import type { Operator, OperatorEnvironment, Receive, Wiring } from "./operator.ts";
import type { Cells } from "./quantity.ts";
import { isTime, timestampInvalid } from "./timestamp.ts";
import { FixedWindows, type WindowAssigner } from "./window-assigner.ts";
import { WindowOutput } from "./window-output.ts";

type Spec = Extract<WindowSpec, { kind: "fixed" | "calendar" }>;
type Entries = AsyncIterator<readonly [startMs: number, key: unknown, cells: Cells, eventTimeMs: number]>;

/** Closed windows are sent in pieces of this many results, so that what they cause is done before the next. */
const CLOSE_CHUNK = 1_000;

/**
 * Aggregates the records of each key in tumbling, hopping or calendar windows. A window is open until end + grace ≤ stream time. A record
 * counts in those of its windows that are open; if none is, it is late. Null values and keys are skipped.
 *
 * A closed window never changes, so results on close can be read while newer records are processed.
 */
export function windowAggregateOperator(node: AggregateNode, spec: Spec, wiring: Wiring): Operator {
  return new WindowAggregate(node, spec, wiring);
}

class WindowAggregate implements Operator {
  readonly id: string;
  readonly receive: Receive;
  readonly #environment: OperatorEnvironment;
  readonly #store: WindowStore<unknown, Cells>;
  readonly #accumulator: Accumulator;
  readonly #windows: WindowAssigner;
  readonly #graceMs: number;
  readonly #emit: AggregateNode["emit"];
  readonly #output: WindowOutput;
  readonly #late: Receive;
  /** The store's, kept here because it is compared with the time of each record. */
  #streamTimeMs: number;
  /** The window of the last record: mostly that of the next, too. */
  #startMs = 0;
  #endMs = 0;
  /** Where windows overlap: the open ones of the record in hand. */
  #starts: number[] = [];
  #aggregates: Cells[] = [];
  /** On close: the windows that ended until then have been sent. */
  #sentToMs: number;
  /** The stream time at which the next window closes; Infinity where that causes nothing. */
  #nextCloseMs: number;
  #scan: { readonly entries: Entries; readonly toMs: number } | undefined;
  readonly #closing: ChunkedWork;

  constructor(node: AggregateNode, spec: Spec, { environment, outputs }: Wiring) {
    this.id = node.id;
    this.#environment = environment;
    this.#store = environment.store(node.store) as WindowStore<unknown, Cells>;
    this.#accumulator = compileAccumulator(node);
    this.#windows = spec.kind === "fixed" ? new FixedWindows(spec) : new CalendarWindows(spec);
    this.#graceMs = spec.graceMs;
    this.#emit = node.emit;
    const labelOf = (startMs: number) => this.#windows.labelOf(startMs);
    this.#output = new WindowOutput({ record: environment.record, next: outputs(), labelOf });
    this.#late = outputs("late");
    this.receive = this.#windows.isPartition ? this.#receiveInOne : this.#receiveInMany;
    this.#closing = new ChunkedWork({ environment, step: () => this.#sendClosed() });
    this.#streamTimeMs = this.#store.streamTimeMs;
    // What is closed at the stored stream time was sent by the commit that stored it.
    this.#sentToMs = this.#streamTimeMs - spec.graceMs;
    this.#nextCloseMs = node.emit === "on-close" ? this.#nextClose() : Number.POSITIVE_INFINITY;
  }

  readonly #receiveInOne = (key: unknown, value: unknown, timestampMs: number): void => {
    if (value === null) return;
    if (key === null || key === undefined) {
      this.#environment.recordError(this.id, keyless(this.id), key, value);
      return;
    }
    if (!(timestampMs >= this.#startMs && timestampMs < this.#endMs)) {
      if (!this.#checkTime(key, value, timestampMs)) return;
      this.#startMs = this.#windows.firstStart(timestampMs);
      this.#endMs = this.#windows.endOf(this.#startMs);
    }
    if (timestampMs > this.#streamTimeMs) this.#advance(timestampMs);
    if (this.#endMs + this.#graceMs <= this.#streamTimeMs) this.#sendLate(key, value, timestampMs);
    else this.#addToOne(this.#startMs, key, value, timestampMs);
    if (timestampMs >= this.#nextCloseMs) this.#close();
  };

  #addToOne(startMs: number, key: unknown, value: unknown, timestampMs: number): void {
    const store = this.#store;
    const accumulator = this.#accumulator;
    const cells = store.get(startMs, key) ?? accumulator.create();
    try {
      accumulator.select(value);
      accumulator.check(cells, 0, timestampMs);
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    accumulator.apply(cells, 0, timestampMs);
    store.put(startMs, key, cells, timestampMs);
    if (this.#emit === "every-change") this.#send(startMs, key, cells);
  }

  readonly #receiveInMany = (key: unknown, value: unknown, timestampMs: number): void => {
    if (value === null) return;
    if (key === null || key === undefined) {
      this.#environment.recordError(this.id, keyless(this.id), key, value);
      return;
    }
    if (!this.#checkTime(key, value, timestampMs)) return;
    if (timestampMs > this.#streamTimeMs) this.#advance(timestampMs);
    const windows = this.#windows;
    const starts = this.#starts;
    starts.length = 0;
    for (let startMs = windows.firstStart(timestampMs); startMs <= timestampMs; startMs = windows.nextStart(startMs)) {
      if (windows.endOf(startMs) + this.#graceMs > this.#streamTimeMs) starts.push(startMs);
    }
    if (starts.length === 0) this.#sendLate(key, value, timestampMs);
    else this.#addToMany(starts, key, value, timestampMs);
    if (timestampMs >= this.#nextCloseMs) this.#close();
  };

  #addToMany(starts: readonly number[], key: unknown, value: unknown, timestampMs: number): void {
    const aggregates = this.#aggregates;
    const accumulator = this.#accumulator;
    for (let n = 0; n < starts.length; n++) aggregates[n] = this.#store.get(starts[n]!, key) ?? accumulator.create();
    try {
      accumulator.select(value);
      for (let n = 0; n < starts.length; n++) accumulator.check(aggregates[n]!, n, timestampMs);
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    for (let n = 0; n < starts.length; n++) {
      accumulator.apply(aggregates[n]!, n, timestampMs);
      this.#store.put(starts[n]!, key, aggregates[n]!, timestampMs);
      if (this.#emit === "every-change") this.#send(starts[n]!, key, aggregates[n]!);
    }
  }

  flush(): void {
    if (this.#emit === "on-commit")
      this.#store.forEachChanged((startMs, key, cells) => this.#send(startMs, key, cells));
    if (this.#streamTimeMs === Number.NEGATIVE_INFINITY || this.#closing.isRunning) return;
    this.#store.expireBefore(this.#windows.firstStart(this.#streamTimeMs - this.#graceMs));
  }

  #send(startMs: number, key: unknown, cells: Cells): void {
    const endMs = this.#windows.endOf(startMs);
    this.#output
      .enter(startMs, endMs)
      .send(key, this.#accumulator.windowResult(cells, startMs, endMs), timestampOf(cells));
  }

  #sendLate(key: unknown, value: unknown, timestampMs: number): void {
    this.#environment.countLate(this.id);
    this.#late(key, value, timestampMs);
  }

  #checkTime(key: unknown, value: unknown, timestampMs: number): boolean {
    if (isTime(timestampMs)) return true;
    this.#environment.recordError(this.id, timestampInvalid(timestampMs), key, value);
    return false;
  }

  #advance(timestampMs: number): void {
    this.#streamTimeMs = timestampMs;
    this.#store.streamTimeMs = timestampMs;
  }

  #nextClose(): number {
    if (this.#streamTimeMs === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY;
    return this.#windows.endOf(this.#windows.firstStart(this.#streamTimeMs - this.#graceMs)) + this.#graceMs;
  }

  #close(): void {
    this.#nextCloseMs = this.#nextClose();
    // The first record of all: no window is older than those that are open now.
    if (this.#sentToMs === Number.NEGATIVE_INFINITY) this.#sentToMs = this.#streamTimeMs - this.#graceMs;
    else this.#closing.request();
  }

  async #sendClosed(): Promise<boolean> {
    this.#scan ??= this.#startScan();
    const { entries, toMs } = this.#scan;
    for (let n = 0; n < CLOSE_CHUNK; n++) {
      const { done, value: entry } = await entries.next();
      if (done === true) {
        this.#scan = undefined;
        this.#sentToMs = toMs;
        return toMs < this.#streamTimeMs - this.#graceMs;
      }
      this.#send(entry[0], entry[1], entry[2]);
    }
    return true;
  }

  /** Windows in order of start end in this order. */
  #startScan(): { readonly entries: Entries; readonly toMs: number } {
    const toMs = this.#streamTimeMs - this.#graceMs;
    const entries = this.#store.scan(this.#windows.firstStart(this.#sentToMs), this.#windows.firstStart(toMs));
    return { entries: entries[Symbol.asyncIterator](), toMs };
  }
}
