/** Time as an argument: everything that waits or stamps takes one of these, so that a test can hold the hands. */
export interface Clock {
  /** Wall-clock time in ms since the epoch. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; the returned function cancels. A timer never keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
}
