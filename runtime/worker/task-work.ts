import { InvariantError } from "../errors/errors.ts";
import type { Clock } from "../time/clock.ts";
import { promptly } from "./promptly.ts";

interface Asked {
  readonly step: string | undefined;
  readonly work: () => Promise<void>;
}

/** What a task is suspended for. */
export type WorkKind = "start" | "record" | "timer" | "commit";

interface Current {
  readonly kind: WorkKind;
  readonly sinceMs: number;
  /** The step whose work has begun last. */
  step: string | undefined;
}

/** The asynchronous work of a task, one thing after the other, and what came of it. While it is at it the task is suspended. */
export class TaskWork {
  readonly #clock: Clock;
  #asked: Asked[] = [];
  #current: Current | undefined;
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

  /** What it is occupied with; undefined if nothing. */
  get current(): Readonly<Current> | undefined {
    return this.#current;
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

  /** Asks for work of a step that `drain` runs. */
  ask(work: () => Promise<void>, step?: string): void {
    this.#asked.push({ work, step });
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
  occupy(kind: WorkKind, work: () => Promise<void>): Promise<void> {
    this.#current = { kind, sinceMs: this.#clock.now(), step: undefined };
    const occupied = this.guard(work).then(() => {
      this.#occupied = undefined;
      this.#current = undefined;
    });
    this.#occupied = occupied;
    return occupied;
  }

  /** Runs what was asked for. */
  async drain(): Promise<void> {
    for (let asked = this.#asked.shift(); asked !== undefined && !this.#isClosed; asked = this.#asked.shift()) {
      if (this.#current !== undefined) this.#current.step = asked.step;
      await asked.work();
    }
  }

  /** Runs what was asked for; false if it takes so long that it goes on by itself, and the task stands still until then. */
  async drainPromptly(): Promise<boolean> {
    await promptly(
      this.#clock,
      this.occupy("record", () => this.drain()),
    );
    return this.#occupied === undefined && this.#failure === undefined;
  }

  /** Begins nothing any more. What is under way is not waited for. */
  close(): void {
    this.#isClosed = true;
  }
}
