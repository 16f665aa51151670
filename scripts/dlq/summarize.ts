import type { DeadLetterMark, DeadLetterMarks } from "../../runtime/ops/dead-letter-marks.ts";
import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import { table } from "../output/table.ts";
import { messageShape } from "./message-shape.ts";

/** Dead letters of one step with one error code. */
export interface LetterGroup {
  readonly job: string;
  readonly code: string;
  readonly step: string;
  readonly count: number;
  /** Not redriven yet. */
  readonly open: number;
  readonly redriven: number;
  /** Redriven, and here again. */
  readonly returned: number;
  /** ISO 8601, UTC. */
  readonly oldest: string;
  readonly newest: string;
  /** Of the newest one, without what may be somebody's data. */
  readonly message: string;
}

type Counted = { -readonly [Name in keyof LetterGroup]: Name extends "oldest" | "newest" ? number : LetterGroup[Name] };

/** Counts dead letters by job, error code and step. */
export class LetterSummary {
  readonly #groups = new Map<string, Counted>();

  add(job: string, letters: readonly DeadLetter[], marks: DeadLetterMarks): void {
    for (const letter of letters) {
      const mark = marks.of(letter);
      if (mark !== "purged") this.#count(job, letter, mark);
    }
  }

  /** The largest first. */
  get groups(): readonly LetterGroup[] {
    return [...this.#groups.values()]
      .sort((left, right) => compare(left.job, right.job) || right.count - left.count || compare(left.code, right.code))
      .map(({ oldest, newest, message, ...rest }) => ({
        ...rest,
        oldest: new Date(oldest).toISOString(),
        newest: new Date(newest).toISOString(),
        message: messageShape(message),
      }));
  }

  #count(job: string, { code, step, timestampMs, message, redrives }: DeadLetter, mark: DeadLetterMark | undefined) {
    const key = JSON.stringify([job, code, step]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const none = { count: 0, open: 0, redriven: 0, returned: 0 };
      group = { job, code, step, ...none, oldest: timestampMs, newest: timestampMs, message };
      this.#groups.set(key, group);
    }
    group.count++;
    group[mark === "redriven" ? "redriven" : "open"]++;
    if (redrives > 0) group.returned++;
    group.oldest = Math.min(group.oldest, timestampMs);
    if (timestampMs < group.newest) return;
    group.newest = timestampMs;
    group.message = message;
  }
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

export const groupsTable = (groups: readonly LetterGroup[]): string =>
  table(
    ["job", "code", "step", "count", "open", "redriven", "returned", "oldest", "newest", "message"],
    groups.map(({ job, code, step, count, open, redriven, returned, oldest, newest, message }) => [
      ...[job, code, step, String(count), String(open), String(redriven), String(returned)],
      ...[oldest, newest, message],
    ]),
    ["count", "open", "redriven", "returned"],
  );
