import { setImmediate as nextTurn } from "node:timers/promises";
import type { ManualClock } from "../manual-clock.ts";
import type { SeededRandom } from "../seeded-random.ts";

interface Gate {
  readonly actor: string;
  readonly step: string;
  readonly open: () => void;
}

/**
 * Decides who goes on. Every step of an actor (a worker) that touches the log or the disk waits at a gate; one gate is opened at a time, chosen
 * by the seed. Time moves only when nobody can go on. A killed actor's gates never open: for the others it is as if its process had died there.
 */
export class Scheduler {
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;
  readonly #dead = new Set<string>();
  readonly #pausedUntilMs = new Map<string, number>();
  #gates: Gate[] = [];
  /** The last steps that were let through, newest last: for the report of a failure. */
  readonly trace: string[] = [];

  constructor(clock: ManualClock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Waits to be let through. */
  gate(actor: string, step: string): Promise<void> {
    return new Promise((open) => {
      if (!this.#dead.has(actor)) this.#gates.push({ actor, step, open });
    });
  }

  /** The actors that stand at such a step. */
  standingAt(step: RegExp): readonly string[] {
    return this.#gates.filter((gate) => step.test(gate.step)).map(({ actor }) => actor);
  }

  /** The actor goes no further. Returns the step at which it stood, if it stood at one. */
  kill(actor: string): string | undefined {
    this.#dead.add(actor);
    const standing = this.#gates.find((gate) => gate.actor === actor)?.step;
    this.#gates = this.#gates.filter((gate) => gate.actor !== actor);
    return standing;
  }

  /** The actor stands still for a while: a long garbage collection, a stopped process. */
  pause(actor: string, ms: number): void {
    this.#pausedUntilMs.set(actor, this.#clock.now() + ms);
  }

  wakeAll(): void {
    this.#pausedUntilMs.clear();
  }

  /** Lets everything run that needs no decision, then opens one gate or moves the clock. @returns false if nothing can ever happen again */
  async step(): Promise<boolean> {
    await nextTurn();
    const nowMs = this.#clock.now();
    const ready = this.#gates.filter(({ actor }) => (this.#pausedUntilMs.get(actor) ?? 0) <= nowMs);
    if (ready.length > 0) {
      const gate = this.#random.pick(ready);
      this.#gates.splice(this.#gates.indexOf(gate), 1);
      this.trace.push(`${gate.actor} ${gate.step}`);
      if (this.trace.length > 60) this.trace.shift();
      gate.open();
      return true;
    }
    const wakes = this.#gates.length === 0 ? Infinity : Math.min(...this.#pausedUntilMs.values());
    const nextMs = Math.min(this.#clock.nextMs, wakes > nowMs ? wakes : Infinity);
    if (nextMs === Infinity) return false;
    this.#clock.advanceTo(nextMs);
    return true;
  }
}
