/** Requests to the log that ended in an error of one kind: tried again, or given up. */
export interface LogTrouble {
  readonly outcome: "retried" | "failed";
  readonly kind: string;
  readonly count: number;
}

/** Counts them. */
export class LogTroubles {
  readonly #counts = new Map<string, LogTrouble & { count: number }>();

  get all(): readonly LogTrouble[] {
    return [...this.#counts.values()];
  }

  /** Kinds must be few. */
  count(outcome: LogTrouble["outcome"], kind: string): void {
    const key = `${outcome} ${kind}`;
    const found = this.#counts.get(key);
    if (found === undefined) this.#counts.set(key, { outcome, kind, count: 1 });
    else found.count++;
  }
}
