import { performance } from "node:perf_hooks";

export interface Rate {
  readonly perSecond: number;
  /** Of all threads of the process. */
  readonly cpuMicrosEach: number;
}

/** Times a stretch of things that end one by one: the first ones warm up, the last ones run out. */
export class Stopwatch {
  readonly #from: number;
  readonly #to: number;
  readonly #all = Promise.withResolvers<void>();
  readonly #count: number;
  #ended = 0;
  #started: { readonly ms: number; readonly cpu: NodeJS.CpuUsage } | undefined;
  #rate: Rate | undefined;

  constructor(count: number) {
    this.#count = count;
    this.#from = Math.floor(count * 0.2);
    this.#to = Math.floor(count * 0.9);
  }

  ended(): void {
    this.#ended++;
    if (this.#ended === this.#from) this.#started = { ms: performance.now(), cpu: process.cpuUsage() };
    if (this.#ended === this.#to) this.#rate = this.#measure();
    if (this.#ended === this.#count) this.#all.resolve();
  }

  /** Resolves when all have ended. */
  async rate(): Promise<Rate> {
    await this.#all.promise;
    return this.#rate!;
  }

  #measure(): Rate {
    const { ms, cpu } = this.#started!;
    const { user, system } = process.cpuUsage(cpu);
    const measured = this.#to - this.#from;
    return {
      perSecond: (measured / (performance.now() - ms)) * 1_000,
      cpuMicrosEach: (user + system) / measured,
    };
  }
}
