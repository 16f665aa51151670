/** What work took: on the wall, and of the processor by all threads of the process. */
export interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Runs from its making on. */
export class Stopwatch {
  readonly #startedMs = performance.now();
  readonly #cpuAtStart = process.cpuUsage();

  get cost(): Cost {
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    return { seconds: (performance.now() - this.#startedMs) / 1_000, cpuSeconds: (user + system) / 1e6 };
  }
}
