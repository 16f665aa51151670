import type { TimeIndexedStore } from "../../state/store.ts";
import type { AggregateNode } from "../dsl/topology.ts";
import type { WindowSpec } from "../dsl/window-spec.ts";
import { type Accumulator, compileAccumulator } from "./accumulators.ts";
import { type Closed, DueClosing } from "./due-closing.ts";
import { keyless } from "./keyless.ts";
import type { Operator, OperatorEnvironment, Receive, Wiring } from "./operator.ts";
import type { Cells } from "./quantity.ts";
import type { Session, SessionEntry } from "./session-entry.ts";
import { isTime, timestampInvalid } from "./timestamp.ts";
import { instantLabel } from "./window-assigner.ts";
import { WindowOutput } from "./window-output.ts";

type Spec = Extract<WindowSpec, { kind: "session" }>;

/**
 * Aggregates the records of each key in sessions. A record joins the open sessions that lie within `gap` of it, and makes them one; a session
 * is closed when its end + gap + grace < stream time. A record that finds none and would be a closed session itself is late. Null values
 * and keys are skipped.
 *
 * A session that grows or merges is another window: what was sent under the old bounds is withdrawn by a null value, before the new result.
 * Unlike in Kafka Streams it is not withdrawn if the bounds stay, and a closed session is never merged, however long a store keeps it.
 */
export function sessionAggregateOperator(node: AggregateNode, spec: Spec, wiring: Wiring): Operator {
  return new SessionAggregate(node, spec, wiring);
}

class SessionAggregate implements Operator {
  readonly id: string;
  readonly #environment: OperatorEnvironment;
  readonly #store: TimeIndexedStore<unknown, SessionEntry>;
  readonly #accumulator: Accumulator;
  readonly #gapMs: number;
  /** From a session's end to its close. */
  readonly #openMs: number;
  readonly #emit: AggregateNode["emit"];
  readonly #output: WindowOutput;
  readonly #late: Receive;
  readonly #closing: DueClosing<SessionEntry>;
  #streamTimeMs: number;

  constructor(node: AggregateNode, spec: Spec, { environment, outputs }: Wiring) {
    this.id = node.id;
    this.#environment = environment;
    this.#store = environment.store(node.store) as TimeIndexedStore<unknown, SessionEntry>;
    this.#accumulator = compileAccumulator(node);
    this.#gapMs = spec.gapMs;
    this.#openMs = spec.gapMs + spec.graceMs;
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
    this.#add(key, value, timestampMs);
    if (this.#emit === "on-close" && this.#store.earliestDueMs <= this.#streamTimeMs) this.#closing.request();
  };

  #add(key: unknown, value: unknown, timestampMs: number): void {
    const entry = this.#store.get(key) ?? { sessions: [], withdrawn: [], dueMs: undefined };
    const { sessions } = entry;
    const [from, to] = this.#touched(sessions, timestampMs);
    if (from === to && timestampMs + this.#openMs < this.#streamTimeMs) {
      this.#environment.countLate(this.id);
      this.#late(key, value, timestampMs);
      return;
    }
    let cells: Cells;
    try {
      this.#accumulator.select(value);
      cells = this.#joined(sessions, from, to);
      this.#accumulator.check(cells, 0, timestampMs);
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    this.#accumulator.apply(cells, 0, timestampMs);
    const session = this.#replace(key, entry, [from, to], cells, timestampMs);
    this.#put(key, entry);
    if (this.#emit === "every-change") this.#send(key, session);
  }

  /** The open sessions that lie within the gap: a range of indexes, empty if there is none. */
  #touched(sessions: readonly Session[], timestampMs: number): readonly [from: number, to: number] {
    const openFromMs = this.#streamTimeMs - this.#openMs;
    let to = sessions.length;
    while (to > 0 && sessions[to - 1]!.startMs > timestampMs + this.#gapMs) to--;
    let from = to;
    while (from > 0 && sessions[from - 1]!.endMs >= Math.max(timestampMs - this.#gapMs, openFromMs)) from--;
    return [from, to];
  }

  #joined(sessions: readonly Session[], from: number, to: number): Cells {
    if (from === to) return this.#accumulator.create();
    let { cells } = sessions[from]!;
    for (let n = from + 1; n < to; n++) cells = this.#accumulator.merge(cells, sessions[n]!.cells);
    return cells;
  }

  /** Puts one session in the place of those that were touched. */
  #replace(
    key: unknown,
    entry: SessionEntry,
    [from, to]: readonly [number, number],
    cells: Cells,
    timestampMs: number,
  ): Session {
    const { sessions } = entry;
    const startMs = from === to ? timestampMs : Math.min(timestampMs, sessions[from]!.startMs);
    const endMs = from === to ? timestampMs : Math.max(timestampMs, sessions[to - 1]!.endMs);
    const first = sessions[from];
    if (to - from === 1 && first!.startMs === startMs && first!.endMs === endMs) {
      first!.isChanged = true;
      return first!;
    }
    for (let n = from; n < to; n++) this.#withdraw(key, entry, sessions[n]!);
    const session = { startMs, endMs, cells, isChanged: true, isSent: false };
    sessions.splice(from, to - from, session);
    return session;
  }

  #withdraw(key: unknown, entry: SessionEntry, session: Session): void {
    if (this.#emit === "every-change") this.#sendWithdrawal(key, session);
    else if (this.#emit === "on-commit" && session.isSent) entry.withdrawn.push(session);
  }

  #put(key: unknown, entry: SessionEntry): void {
    if (this.#emit !== "on-close") this.#dropClosed(entry);
    const first = entry.sessions[0]!;
    const dueMs = this.#dueOf(first);
    // A due time that moves with every record would cost two index entries a commit. Only results on close need it exact.
    if (this.#emit === "on-close" || entry.dueMs === undefined || entry.dueMs > dueMs) entry.dueMs = dueMs;
    this.#store.put(key, entry, entry.sessions.at(-1)!.endMs, entry.dueMs);
  }

  #dropClosed({ sessions }: SessionEntry): void {
    const isOver = (session: Session) =>
      this.#dueOf(session) <= this.#streamTimeMs && !(session.isChanged && this.#emit === "on-commit");
    let over = 0;
    while (over < sessions.length - 1 && isOver(sessions[over]!)) over++;
    if (over > 0) sessions.splice(0, over);
  }

  /** The first stream time at which it is closed. */
  #dueOf(session: Session): number {
    return session.endMs + this.#openMs + 1;
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

  #sendChanges(key: unknown, entry: SessionEntry): void {
    for (const session of entry.withdrawn) this.#sendWithdrawal(key, session);
    entry.withdrawn = [];
    for (const session of entry.sessions) {
      if (!session.isChanged) continue;
      session.isChanged = false;
      session.isSent = true;
      this.#send(key, session);
    }
  }

  #settle(key: unknown, entry: SessionEntry, uptoMs: number, closed: Closed[]): void {
    if (this.#emit === "on-commit") this.#sendChanges(key, entry);
    const over = entry.sessions.filter((session) => this.#dueOf(session) <= uptoMs);
    if (this.#emit === "on-close") {
      for (const session of over) closed.push({ key, endMs: session.endMs, send: () => this.#send(key, session) });
    }
    entry.sessions = entry.sessions.slice(over.length);
    const first = entry.sessions[0];
    if (first === undefined) {
      this.#store.delete(key);
      return;
    }
    entry.dueMs = this.#dueOf(first);
    this.#store.put(key, entry, entry.sessions.at(-1)!.endMs, entry.dueMs);
  }

  #send(key: unknown, { startMs, endMs, cells }: Session): void {
    this.#output.enter(startMs, endMs).send(key, this.#accumulator.windowResult(cells, startMs, endMs), endMs);
  }

  #sendWithdrawal(key: unknown, { startMs, endMs }: Session): void {
    this.#output.enter(startMs, endMs).send(key, null, endMs);
  }
}
