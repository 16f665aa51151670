import { startOfWeek, weekAt } from "./seoul-time.ts";

/**
 * Scheduled calls that were answered completely, of this week. A call that failed, or stopped between two pages, has not been answered: it may
 * be repeated until it has. Weeks begin on Monday in Asia/Seoul. Holds what was asked for in one week at most.
 */
export class ScheduledQuota {
  #week = 0;
  #answered = new Map<string, number>();

  /** How long until there is quota again; 0: there is. */
  untilFreeMs(subject: string, perWeekMax: number, nowMs: number): number {
    this.#turn(nowMs);
    const answered = this.#answered.get(subject) ?? 0;
    return answered < perWeekMax ? 0 : startOfWeek(this.#week + 1) - nowMs;
  }

  answered(subject: string, nowMs: number): void {
    this.#turn(nowMs);
    this.#answered.set(subject, (this.#answered.get(subject) ?? 0) + 1);
  }

  #turn(nowMs: number): void {
    const week = weekAt(nowMs);
    if (week === this.#week) return;
    this.#week = week;
    this.#answered.clear();
  }
}
