import type { CallItem } from "./call-item.ts";

/** The records that a task has taken up, and the calls among them that can be aborted. */
export class CallsUnderWay {
  /** Calls of records about nobody: they are only aborted all together. */
  readonly #all = new AbortController();
  readonly #calls = new Set<AbortController>();
  /** Calls whose handler runs, and since when; in the order in which they began. */
  readonly #begun = new Map<CallItem, number>();
  readonly #bySubject = new Map<string, Set<CallItem>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(item: CallItem): void {
    this.#count++;
    const { subject } = item.address;
    if (subject === undefined) return;
    const items = this.#bySubject.get(subject);
    if (items === undefined) this.#bySubject.set(subject, new Set([item]));
    else items.add(item);
  }

  remove(item: CallItem): void {
    this.#count--;
    const { subject } = item.address;
    if (subject === undefined) return;
    const items = this.#bySubject.get(subject);
    items?.delete(item);
    if (items?.size === 0) this.#bySubject.delete(subject);
  }

  /** Its call begins: the signal aborts it. */
  begin(item: CallItem): AbortSignal {
    if (item.address.subject === undefined) return this.#all.signal;
    item.abort = new AbortController();
    this.#calls.add(item.abort);
    return item.abort.signal;
  }

  /** Its handler is called now. */
  called(item: CallItem, nowMs: number): void {
    this.#begun.set(item, nowMs);
  }

  /** The call that began first, of those that have not ended. */
  get oldest(): { readonly item: CallItem; readonly sinceMs: number } | undefined {
    for (const [item, sinceMs] of this.#begun) return { item, sinceMs };
    return undefined;
  }

  ended(item: CallItem): void {
    this.#begun.delete(item);
    if (item.abort !== undefined) this.#calls.delete(item.abort);
    item.abort = undefined;
  }

  abortOf(subject: string, isForgotten: (item: CallItem) => boolean): void {
    for (const item of this.#bySubject.get(subject) ?? []) if (isForgotten(item)) item.abort?.abort();
  }

  abortAll(): void {
    this.#all.abort();
    for (const abort of this.#calls) abort.abort();
    this.#calls.clear();
  }
}
