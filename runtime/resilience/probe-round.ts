import type { Verdict } from "./ended-call.ts";

/** The calls that a half-open circuit lets through: all have to succeed, the first failure ends the round. */
export class ProbeRound {
  readonly #probes: number;
  #underWay = 0;
  #succeeded = 0;
  readonly #ended = Promise.withResolvers<void>();

  constructor(probes: number) {
    this.#probes = probes;
  }

  get hasRoom(): boolean {
    return this.#underWay + this.#succeeded < this.#probes;
  }

  /** Resolves when all have succeeded, and rejects when one has failed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  begin(): void {
    this.#underWay++;
  }

  /** @returns whether this end ended the round. One that says nothing makes room for another. */
  end(verdict: Verdict): boolean {
    this.#underWay--;
    if (verdict === "neither") return false;
    if (verdict === "failure") {
      this.#ended.reject(new Error("a probe failed"));
      return true;
    }
    if (++this.#succeeded < this.#probes) return false;
    this.#ended.resolve();
    return true;
  }
}
