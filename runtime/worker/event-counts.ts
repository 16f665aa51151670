import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { JobEvent } from "./job-event.ts";

/** Codes are those of docs/ERRORS.md and of the job's own errors; who makes them of data must not fill the memory. */
const KINDS_MAX = 200;
const OTHER = "other";

export interface DeadLetterCount {
  readonly step: string;
  readonly code: string;
  readonly count: number;
}

/** What has happened to one job in this process, counted. */
export class EventCounts {
  rebalances = 0;
  /** How often a member was no longer one, without having left. */
  lost = 0;
  quarantined = 0;
  standbyFailures = 0;
  readonly #deadLetters = new Map<string, { readonly step: string; readonly code: string; count: number }>();
  readonly #restarts = new Map<string, number>();

  /** At most 200 combinations; what comes beyond is of step and code "other". */
  get deadLetters(): readonly DeadLetterCount[] {
    return [...this.#deadLetters.values()];
  }

  /** Of tasks, by the code of the error. */
  get restarts(): ReadonlyMap<string, number> {
    return this.#restarts;
  }

  hear(event: JobEvent): void {
    switch (event.kind) {
      case "assigned":
        this.rebalances++;
        break;
      case "lost":
        this.lost++;
        break;
      case "quarantined":
        this.quarantined++;
        break;
      case "standbyFailed":
        this.standbyFailures++;
        break;
      case "deadLetter":
        this.#countDeadLetter(event.step, event.code);
        break;
      case "restarting":
        this.#countRestart(event.error instanceof MulgilError ? event.error.code : OTHER);
        break;
      default:
    }
  }

  #countDeadLetter(step: string, code: string): void {
    const key = `${step}\n${code}`;
    const found = this.#deadLetters.get(key);
    if (found !== undefined) found.count++;
    else if (this.#deadLetters.size < KINDS_MAX || step === OTHER) this.#deadLetters.set(key, { step, code, count: 1 });
    else this.#countDeadLetter(OTHER, OTHER);
  }

  #countRestart(code: string): void {
    const known = this.#restarts.has(code) || this.#restarts.size < KINDS_MAX ? code : OTHER;
    this.#restarts.set(known, (this.#restarts.get(known) ?? 0) + 1);
  }
}
