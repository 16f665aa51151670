import type { OrderAnswer } from "./control-records.ts";

interface Awaited {
  readonly id: string;
  /** Undefined while it is under way. */
  readonly outcome: () => OrderAnswer | undefined;
  /** Goes on, whatever is wanted meanwhile. */
  readonly isLasting: boolean;
}

/** Answers to older orders are of use to nobody any more. */
const ANSWERS_MAX = 8;

/** The orders for one job that a process has taken up, and what has come of them. */
export class OrderAnswers {
  #awaited: Awaited[] = [];
  #given: OrderAnswer[] = [];

  /** Newest last. */
  get given(): readonly OrderAnswer[] {
    return this.#given;
  }

  get isAwaiting(): boolean {
    return this.#awaited.length > 0;
  }

  knows(id: string): boolean {
    return this.#given.some((answer) => answer.id === id) || this.#awaited.some((awaited) => awaited.id === id);
  }

  /** `outcome` is asked at each look until it says something. */
  await(id: string, outcome: Awaited["outcome"], isLasting = false): void {
    this.#awaited.push({ id, outcome, isLasting });
  }

  /** What was under way is not to be any more, but for what goes on by itself. */
  supersede(): void {
    for (const { id, isLasting } of [...this.#awaited]) if (!isLasting) this.give({ id, outcome: "superseded" });
  }

  give(answer: OrderAnswer): void {
    this.#awaited = this.#awaited.filter(({ id }) => id !== answer.id);
    this.#given = [...this.#given.filter(({ id }) => id !== answer.id), answer].slice(-ANSWERS_MAX);
  }

  look(): void {
    for (const { outcome } of [...this.#awaited]) {
      const answer = outcome();
      if (answer !== undefined) this.give(answer);
    }
  }
}
