import { styleText } from "node:util";
import ms from "ms";
import { systemClock } from "../../runtime/time/system-clock.ts";

const TERMINAL_EVERY_MS = 250;
const LINES_EVERY_MS = 5_000;

/** Shows on stderr how far long work is, at which rate, and what time is left: one live line on a terminal, else a line every five seconds. */
export class WorkProgress {
  readonly #what: string;
  readonly #startMs = systemClock.now();
  readonly #isLive = process.stderr.isTTY === true;
  #toldMs = this.#startMs;

  /** @param what "records redriven" */
  constructor(what: string) {
    this.#what = what;
  }

  /** `total` is undefined where nobody knows. Cheap: may be called once a batch. */
  show(done: number, total: number | undefined): void {
    const nowMs = systemClock.now();
    if (nowMs - this.#toldMs < (this.#isLive ? TERMINAL_EVERY_MS : LINES_EVERY_MS)) return;
    this.#toldMs = nowMs;
    const text = progressText({ what: this.#what, done, total, elapsedMs: nowMs - this.#startMs });
    process.stderr.write(this.#isLive ? `\r\u001b[2K${styleText("cyan", text)}` : `${text}\n`);
  }

  /** Call it whatever happens: what is printed next begins on a line of its own. */
  close(): void {
    if (this.#isLive) process.stderr.write("\r\u001b[2K");
  }
}

/** "12,000 of 23,000 records redriven (52%), 3,000/s, 4s left" */
export function progressText(progress: {
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly elapsedMs: number;
}): string {
  const { what, done, total, elapsedMs } = progress;
  const perSecond = elapsedMs === 0 ? 0 : Math.round((done * 1_000) / elapsedMs);
  const count = (value: number) => value.toLocaleString("en-US");
  const rate = `${count(perSecond)}/s`;
  if (total === undefined) return `${count(done)} ${what}, ${rate}`;
  const percent = total === 0 ? 100 : Math.min(100, Math.floor((100 * done) / total));
  const left = perSecond === 0 ? "" : `, ${ms(Math.round(((total - done) * 1_000) / perSecond))} left`;
  return `${count(done)} of ${count(total)} ${what} (${percent}%), ${rate}${left}`;
}
