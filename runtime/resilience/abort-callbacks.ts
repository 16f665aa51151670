/** Callbacks on a signal that thousands of calls share: one listener for all, because each one more makes adding and removing slower. */
export class AbortCallbacks {
  readonly #callbacks = new WeakMap<AbortSignal, Set<() => void>>();

  /** The returned function takes the callback off again. The signal must not have aborted yet. */
  on(signal: AbortSignal, callback: () => void): () => void {
    let callbacks = this.#callbacks.get(signal);
    if (callbacks === undefined) {
      const all = new Set<() => void>();
      signal.addEventListener("abort", () => all.forEach((each) => void each()), { once: true });
      this.#callbacks.set(signal, all);
      callbacks = all;
    }
    const all = callbacks;
    all.add(callback);
    return () => void all.delete(callback);
  }
}
