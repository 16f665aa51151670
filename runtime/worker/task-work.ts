import { InvariantError } from "../errors/errors.ts";
import type { Clock } from "../time/clock.ts";
import { promptly } from "./promptly.ts";

/** The asynchronous work of a task, one thing after the other, and what came of it. While it is at it the task is suspended. */
export class TaskWork {
  readonly #clock: Clock;
  #asked: (() => Promise<void>)[] = [];
  #occupied: Promise<void> | undefined;
  #isClosed = false;
  #failure: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when what the task is occupied with is done; undefined if it is not. */
  get occupied(): Promise<void> | undefined {
    return this.#occupied;
  }

  /** Something was asked for and has not begun. */
  get isAsked(): boolean {
    return this.#asked.length > 0;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The last thing that went wrong. */
  get failure(): unknown {
    return this.#failure;
  }

  fail(error: unknown, fallback: string): void {
    this.#failure = error ?? new InvariantError(fallback);
  }

  /** Asks for work that `drain` runs. */
  ask(work: () => Promise<void>): void {
    this.#asked.push(work);
  }

  /** What is thrown inside is not about a record: the task is to be dropped. */
  async guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail(error, "a task failed without an error");
    }
  }

  /** Suspends the task while the work runs. */
  occupy(work: () => Promise<void>): Promise<void> {
    const occupied = this.guard(work).then(() => {
      this.#occupied = undefined;
    });
    this.#occupied = occupied;
    return occupied;
  }

  /** Runs what was asked for. */
  async drain(): Promise<void> {
    for (let work = this.#asked.shift(); work !== undefined && !this.#isClosed; work = this.#asked.shift())
      await work();
  }

  /** Runs what was asked for; false if it takes so long that it goes on by itself, and the task stands still until then. */
  async drainPromptly(): Promise<boolean> {
    await promptly(
      this.#clock,
      this.occupy(() => this.drain()),
    );
    return this.#occupied === undefined && this.#failure === undefined;
  }

  /** Begins nothing any more. What is under way is not waited for. */
  close(): void {
    this.#isClosed = true;
  }
}
