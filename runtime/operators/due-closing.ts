import type { KeyCodec } from "../../state/codec.ts";
import type { TimeIndexedStore } from "../../state/store.ts";
import { ChunkedWork } from "./chunked-work.ts";
import type { OperatorEnvironment } from "./operator.ts";

/** A window that has closed and whose result is to be sent. */
export interface Closed {
  readonly key: unknown;
  readonly endMs: number;
  send(): void;
}

const CLOSE_CHUNK = 1_000;

/**
 * Goes through the entries of a store in which windows have closed, and sends what closes in order of the windows' end, equal ends in order
 * of key bytes.
 */
export class DueClosing<E> {
  readonly #store: TimeIndexedStore<unknown, E>;
  readonly #keys: KeyCodec<unknown>;
  readonly #settle: (key: unknown, entry: E, uptoMs: number, closed: Closed[]) => void;
  readonly #work: ChunkedWork;

  constructor(options: {
    readonly environment: OperatorEnvironment;
    readonly store: TimeIndexedStore<unknown, E>;
    readonly keys: KeyCodec<unknown>;
    /** Takes what is due until then out of an entry, and puts the entry back with a later due time or deletes it. */
    readonly settle: (key: unknown, entry: E, uptoMs: number, closed: Closed[]) => void;
  }) {
    this.#store = options.store;
    this.#keys = options.keys;
    this.#settle = options.settle;
    this.#work = new ChunkedWork({ environment: options.environment, step: () => this.#settleSome() });
  }

  /** Something may be due at the store's stream time. */
  request(): void {
    this.#work.request();
  }

  async #settleSome(): Promise<boolean> {
    const { streamTimeMs } = this.#store;
    const due = await this.#store.due(streamTimeMs, CLOSE_CHUNK);
    // Behind the last entry of a full piece others may close earlier than what else these entries hold.
    const uptoMs = due.length < CLOSE_CHUNK ? streamTimeMs : due.at(-1)![2];
    const closed: Closed[] = [];
    for (const [key, entry] of due) this.#settle(key, entry, uptoMs, closed);
    closed.sort((left, right) => left.endMs - right.endMs || this.#compareKeys(left.key, right.key));
    for (const each of closed) each.send();
    return this.#store.earliestDueMs <= this.#store.streamTimeMs;
  }

  #compareKeys(left: unknown, right: unknown): number {
    return this.#keys.encode(left).compare(this.#keys.encode(right));
  }
}
