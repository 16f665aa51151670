import type { SeededRandom } from "../../../runtime/testing/seeded-random.ts";
import { daysInMonth, startOfMonth } from "../seoul-time.ts";
import { merchants } from "./merchants.ts";

export interface Purchase {
  readonly atMs: number;
  readonly won: number;
  readonly merchant: string;
}

const BRANCHES = 40;
const HOUR_MS = 3_600_000;
const SECOND_MS = 1_000;
const OPENING_HOUR = 8;
const OPEN_HOURS = 14;
const SMALLEST_WON = 100;

/** Purchases of one month, in no order. */
export const purchasesIn = (month: number, count: number, random: SeededRandom): Purchase[] =>
  Array.from({ length: count }, () => {
    const { name, fromWon, toWon } = random.pick(merchants);
    return {
      atMs: momentIn(month, random.below(daysInMonth(month)) + 1, random),
      won: fromWon + random.below((toWon - fromWon) / SMALLEST_WON) * SMALLEST_WON,
      merchant: `${name} ${random.below(BRANCHES) + 1}`,
    };
  });

/** A second of a day, at which shops are open. */
export const momentIn = (month: number, dayOfMonth: number, random: SeededRandom): number =>
  startOfMonth(month) +
  ((dayOfMonth - 1) * 24 + OPENING_HOUR) * HOUR_MS +
  random.below((OPEN_HOURS * HOUR_MS) / SECOND_MS) * SECOND_MS;
