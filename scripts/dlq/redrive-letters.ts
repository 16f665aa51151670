import type { TopicPartition } from "../../runtime/log/port.ts";
import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import type { DeadLetterDesk, Redriven } from "../../runtime/ops/redrive.ts";
import { type RedriveRefusal, type RedriveRules, redriveTarget } from "../../runtime/ops/redrive-target.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import { Counts } from "./counts.ts";
import { messageShape } from "./message-shape.ts";
import type { Transformer } from "./transform.ts";

export interface RedriveLettersOptions {
  readonly desk: DeadLetterDesk;
  readonly rules: RedriveRules;
  readonly transformer: Transformer | undefined;
  /** Letters a second. */
  readonly rate: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Once a transaction. */
  readonly onWritten: (total: number) => void;
}

export interface RedriveResult {
  /** By code. */
  readonly redriven: Counts<string>;
  readonly refused: Counts<RedriveRefusal>;
  /** The transform gave null. */
  readonly skipped: Counts<string>;
  /** The transform failed, by code and reason; without what may be somebody's data. */
  readonly failed: Counts<string>;
}

/** Letters of one transaction. */
const BATCH_LETTERS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Sends dead letters back, a few hundred a transaction and no faster than they may go. Stops between two transactions when the signal says so.
 */
export class LetterRedrive {
  readonly result: RedriveResult = {
    redriven: new Counts(),
    refused: new Counts(),
    skipped: new Counts(),
    failed: new Counts(),
  };
  readonly #options: RedriveLettersOptions;
  readonly #startMs: number;
  #batch: Redriven[] = [];
  #bytes = 0;

  constructor(options: RedriveLettersOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
  }

  async add(letters: readonly DeadLetter[]): Promise<void> {
    const { rules, signal, rate } = this.#options;
    for (const letter of letters) {
      if (signal.aborted) return;
      const target = redriveTarget(letter, rules);
      if (target.kind === "refused") this.result.refused.add(target.why);
      else await this.#take(letter, target.to);
      if (this.#batch.length >= Math.min(BATCH_LETTERS, rate) || this.#bytes >= BATCH_BYTES) await this.flush();
    }
  }

  /** Writes what is left. */
  async flush(): Promise<void> {
    const { desk, clock, signal, rate, onWritten } = this.#options;
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#bytes = 0;
    await desk.redrive(batch, clock.now());
    for (const { letter } of batch) this.result.redriven.add(letter.code);
    const { total } = this.result.redriven;
    onWritten(total);
    const dueMs = this.#startMs + (total * 1_000) / rate;
    if (dueMs > clock.now()) await clock.sleep(dueMs - clock.now(), signal);
  }

  async #take(letter: DeadLetter, to: TopicPartition): Promise<void> {
    const mended = await this.#options.transformer?.mend(letter);
    if (mended?.kind === "skipped") this.result.skipped.add(letter.code);
    else if (mended?.kind === "failed") this.result.failed.add(`${letter.code}: ${messageShape(mended.reason)}`);
    else {
      const value = mended === undefined ? letter.value : mended.value;
      this.#batch.push({ letter, to, value });
      this.#bytes += (value?.length ?? 0) + (letter.key?.length ?? 0);
    }
  }
}
