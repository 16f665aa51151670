import type { TimeIndexedStore } from "../../state/store.ts";
import type { AggregateNode } from "../dsl/topology.ts";
import type { WindowSpec } from "../dsl/window-spec.ts";
import { type Accumulator, compileAccumulator, timestampOf } from "./accumulators.ts";
import { type Closed, DueClosing } from "./due-closing.ts";
import { keyless } from "./keyless.ts";
import type { Operator, OperatorEnvironment, Receive, Wiring } from "./operator.ts";
import type { Cells } from "./quantity.ts";
import type { SlidingEntry, SlidingWindow } from "./sliding-entry.ts";
import { slidingChange } from "./sliding-windows.ts";
import { isTime, timestampInvalid } from "./timestamp.ts";
import { instantLabel } from "./window-assigner.ts";
import { WindowOutput } from "./window-output.ts";

type Spec = Extract<WindowSpec, { kind: "sliding" }>;

const latestOf = (window: SlidingWindow): number => timestampOf(window.cells);

/**
 * Aggregates each distinct set of records of a key that lie within `difference` of each other. A window is open while
 * end + grace ≥ stream time; a record is late when a window that began at it would be closed. Null values and keys are skipped.
 *
 * Closed windows are sent no more, but they stay exact while new windows can be made of them; so an open window always holds every
 * record that was not late. (Kafka Streams does not update closed windows, and puts records before its epoch + difference in one window.
 * Here windows may start before the epoch.)
 */
export function slidingAggregateOperator(node: AggregateNode, spec: Spec, wiring: Wiring): Operator {
  return new SlidingAggregate(node, spec, wiring);
}

class SlidingAggregate implements Operator {
  readonly id: string;
  readonly #environment: OperatorEnvironment;
  readonly #store: TimeIndexedStore<unknown, SlidingEntry>;
  readonly #accumulator: Accumulator;
  readonly #differenceMs: number;
  readonly #graceMs: number;
  readonly #emit: AggregateNode["emit"];
  readonly #output: WindowOutput;
  readonly #late: Receive;
  readonly #closing: DueClosing<SlidingEntry>;
  #streamTimeMs: number;

  constructor(node: AggregateNode, spec: Spec, { environment, outputs }: Wiring) {
    this.id = node.id;
    this.#environment = environment;
    this.#store = environment.store(node.store) as TimeIndexedStore<unknown, SlidingEntry>;
    this.#accumulator = compileAccumulator(node);
    this.#differenceMs = spec.differenceMs;
    this.#graceMs = spec.graceMs;
    this.#emit = node.emit;
    this.#output = new WindowOutput({ record: environment.record, next: outputs(), labelOf: instantLabel });
    this.#late = outputs("late");
    const keys = environment.keyCodec(node.id);
    this.#closing = new DueClosing({ environment, store: this.#store, keys, settle: (...due) => this.#settle(...due) });
    this.#streamTimeMs = this.#store.streamTimeMs;
  }

  readonly receive = (key: unknown, value: unknown, timestampMs: number): void => {
    if (value === null) return;
    if (key === null || key === undefined) {
      this.#environment.recordError(this.id, keyless(this.id), key, value);
      return;
    }
    if (!isTime(timestampMs)) {
      this.#environment.recordError(this.id, timestampInvalid(timestampMs), key, value);
      return;
    }
    if (timestampMs > this.#streamTimeMs) {
      this.#streamTimeMs = timestampMs;
      this.#store.streamTimeMs = timestampMs;
    }
    if (this.#isClosed(timestampMs)) {
      this.#environment.countLate(this.id);
      this.#late(key, value, timestampMs);
    } else this.#add(key, value, timestampMs);
    if (this.#emit === "on-close" && this.#store.earliestDueMs <= this.#streamTimeMs) this.#closing.request();
  };

  #isClosed(startMs: number): boolean {
    return this.#closeOf(startMs) <= this.#streamTimeMs;
  }

  /** The first stream time at which the window is closed. */
  #closeOf(startMs: number): number {
    return startMs + this.#differenceMs + this.#graceMs + 1;
  }

  /** The first stream time at which no open window can be made of the window: it ends before any that a record can still get. */
  #uselessOf(startMs: number): number {
    return this.#closeOf(startMs) + this.#differenceMs + 1;
  }

  #add(key: unknown, value: unknown, timestampMs: number): void {
    const entry = this.#store.get(key) ?? { windows: [], dueMs: undefined };
    const change = slidingChange(entry.windows, timestampMs, { differenceMs: this.#differenceMs, latestOf });
    const holding = entry.windows.slice(change.from, change.to);
    if (change.left !== undefined) holding.push(this.#window(change.left.startMs, change.left.copyOf));
    if (change.afterPrevious !== undefined) holding.push(this.#window(change.afterPrevious.startMs, undefined));
    try {
      this.#accumulator.select(value);
      for (let n = 0; n < holding.length; n++) this.#accumulator.check(holding[n]!.cells, n, timestampMs);
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    const right = change.right === undefined ? [] : [this.#window(change.right.startMs, change.right.copyOf)];
    for (const window of holding) this.#keepFinal(window);
    for (let n = 0; n < holding.length; n++) this.#accumulator.apply(holding[n]!.cells, n, timestampMs);
    holding.push(...right);
    holding.sort((left, right) => left.startMs - right.startMs);
    entry.windows.splice(change.from, change.to - change.from, ...holding);
    for (const window of holding) this.#changed(key, window);
    this.#put(key, entry);
  }

  #window(startMs: number, copyOf: SlidingWindow | undefined): SlidingWindow {
    const cells: Cells = copyOf === undefined ? this.#accumulator.create() : this.#accumulator.clone(copyOf.cells);
    return {
      startMs,
      cells,
      isPending: this.#emit === "on-close" && !this.#isClosed(startMs),
      isChanged: false,
      final: undefined,
    };
  }

  /** A closed window goes on changing, but what is still to be sent of it does not. */
  #keepFinal(window: SlidingWindow): void {
    if (!isWaiting(window) || window.final !== undefined || !this.#isClosed(window.startMs)) return;
    window.final = this.#accumulator.clone(window.cells);
  }

  #changed(key: unknown, window: SlidingWindow): void {
    if (this.#isClosed(window.startMs)) return;
    if (this.#emit === "every-change") this.#send(key, window);
    else window.isChanged = this.#emit === "on-commit";
  }

  #put(key: unknown, entry: SlidingEntry): void {
    this.#dropUseless(entry, this.#streamTimeMs);
    const dueMs = this.#dueOf(entry);
    // A due time that moves with every record would cost two index entries a commit. Only results on close need it exact.
    if (this.#emit === "on-close" || entry.dueMs === undefined || entry.dueMs > dueMs) entry.dueMs = dueMs;
    this.#store.put(key, entry, latestOf(entry.windows.at(-1)!), entry.dueMs);
  }

  #dropUseless({ windows }: SlidingEntry, uptoMs: number): void {
    let useless = 0;
    while (
      useless < windows.length &&
      this.#uselessOf(windows[useless]!.startMs) <= uptoMs &&
      !isWaiting(windows[useless]!)
    )
      useless++;
    if (useless > 0) windows.splice(0, useless);
  }

  #dueOf({ windows }: SlidingEntry): number {
    const pending = this.#emit === "on-close" ? windows.find((window) => window.isPending) : undefined;
    return pending === undefined ? this.#uselessOf(windows.at(-1)!.startMs) : this.#closeOf(pending.startMs);
  }

  flush(): void {
    if (this.#emit === "on-close") return;
    if (this.#emit === "on-commit") {
      this.#store.forEachChanged((key, entry) => {
        if (entry !== undefined) this.#sendChanges(key, entry);
      });
    }
    if (this.#store.earliestDueMs <= this.#streamTimeMs) this.#closing.request();
  }

  #sendChanges(key: unknown, { windows }: SlidingEntry): void {
    for (const window of windows) {
      if (!window.isChanged) continue;
      window.isChanged = false;
      this.#send(key, window);
    }
  }

  #settle(key: unknown, entry: SlidingEntry, uptoMs: number, closed: Closed[]): void {
    this.#sendChanges(key, entry);
    for (const window of entry.windows) {
      if (!window.isPending || this.#closeOf(window.startMs) > uptoMs) continue;
      window.isPending = false;
      closed.push({ key, endMs: window.startMs + this.#differenceMs, send: () => this.#send(key, window) });
    }
    this.#dropUseless(entry, uptoMs);
    const last = entry.windows.at(-1);
    if (last === undefined) {
      this.#store.delete(key);
      return;
    }
    entry.dueMs = this.#dueOf(entry);
    this.#store.put(key, entry, latestOf(last), entry.dueMs);
  }

  #send(key: unknown, window: SlidingWindow): void {
    const { startMs, cells, final = cells } = window;
    window.final = undefined;
    const endMs = startMs + this.#differenceMs;
    this.#output
      .enter(startMs, endMs)
      .send(key, this.#accumulator.windowResult(final, startMs, endMs), timestampOf(final));
  }
}

/** Something of it is still to be sent. */
const isWaiting = (window: SlidingWindow): boolean => window.isChanged || window.isPending;
