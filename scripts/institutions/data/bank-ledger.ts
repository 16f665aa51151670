import { randomOf } from "../random-of.ts";
import { daysInMonth, monthAt, startOfMonth } from "../seoul-time.ts";
import type { Asset } from "./assets.ts";
import { recurring } from "./merchants.ts";
import { momentIn, purchasesIn } from "./purchases.ts";

export interface Movement {
  readonly atMs: number;
  /** Negative: a withdrawal. */
  readonly won: number;
  readonly memo: string;
}

export interface BookedMovement extends Movement {
  readonly month: number;
  /** From 1 within the month. */
  readonly number: number;
  readonly balanceWon: number;
}

const MINUTE_MS = 60_000;
const PURCHASES_MIN = 12;
const PURCHASES_SPREAD = 16;
const THOUSAND = 1_000;

/**
 * One month of an account, in order. A month can be had without those before it: its first balance follows from the account's seed, and
 * a transfer at its end brings the balance to where the next month begins.
 */
export function ledgerMonth(account: Asset, month: number): readonly BookedMovement[] {
  if (month < account.issuedMonth) return [];
  const booked: BookedMovement[] = [];
  let balanceWon = openingBalance(account, month);
  const book = (movement: Movement) => {
    balanceWon += movement.won;
    const { atMs, won, memo } = movement;
    booked.push({ atMs, won, memo, month, number: booked.length + 1, balanceWon });
  };
  for (const movement of movementsOf(account, month).toSorted((a, b) => a.atMs - b.atMs)) book(movement);
  const won = openingBalance(account, month + 1) - balanceWon;
  if (won !== 0) book({ atMs: startOfMonth(month + 1) - 5 * MINUTE_MS, won, memo: recurring.transfer.name });
  return booked;
}

/** What is booked in [from, to), in order. */
export function ledgerBetween(account: Asset, fromMs: number, toMs: number): readonly BookedMovement[] {
  const found: BookedMovement[] = [];
  const last = monthAt(toMs - 1);
  for (let month = Math.max(account.issuedMonth, monthAt(fromMs)); month <= last; month++) {
    for (const movement of ledgerMonth(account, month))
      if (movement.atMs >= fromMs && movement.atMs < toMs) found.push(movement);
  }
  return found;
}

/** The balance at a moment, and since when it has been that. */
export function balanceAt(account: Asset, timeMs: number): { readonly won: number; readonly sinceMs: number } {
  const month = monthAt(timeMs);
  const before = (booked: readonly BookedMovement[]) => booked.findLast(({ atMs }) => atMs <= timeMs);
  const latest = before(ledgerMonth(account, month)) ?? before(ledgerMonth(account, month - 1));
  return latest === undefined
    ? { won: openingBalance(account, account.issuedMonth), sinceMs: account.issuedMs }
    : { won: latest.balanceWon, sinceMs: latest.atMs };
}

/** With a trend over the years: some customers save, some use up what they have. */
function openingBalance({ seed, issuedMonth }: Asset, month: number): number {
  const account = randomOf(seed, "balance");
  const [base, trend] = [500 + account.below(9_000), account.below(120) - 40];
  const noise = randomOf(seed, "balance", month).below(400);
  return Math.max(200, base + trend * (month - issuedMonth) + noise) * THOUSAND;
}

const movementsOf = (account: Asset, month: number): readonly Movement[] =>
  account.index === 0 ? currentMovements(account, month) : savingsMovements(account, month);

function currentMovements({ seed }: Asset, month: number): Movement[] {
  const habits = randomOf(seed, "habits");
  const random = randomOf(seed, "month", month);
  const monthly = (memo: string, won: number): Movement => ({
    atMs: momentIn(month, habits.below(25) + 1, habits),
    won,
    memo,
  });
  const movements = [
    monthly(recurring.salary.name, (2_200 + habits.below(4_000)) * THOUSAND),
    monthly(recurring.rent.name, -(400 + habits.below(900)) * THOUSAND),
    monthly(recurring.telephone.name, -(35 + habits.below(60)) * THOUSAND),
    monthly(recurring.subscription.name, -(9 + habits.below(9)) * THOUSAND),
    interest(month, 100 + random.below(2_000)),
  ];
  const count = PURCHASES_MIN + random.below(PURCHASES_SPREAD);
  for (const { atMs, won, merchant } of purchasesIn(month, count, random))
    movements.push({ atMs, won: -won, memo: merchant });
  return movements;
}

const savingsMovements = ({ seed }: Asset, month: number): Movement[] => [
  interest(month, 1_000 + randomOf(seed, "month", month).below(30_000)),
];

const interest = (month: number, won: number): Movement => ({
  atMs: startOfMonth(month) + daysInMonth(month) * 24 * 60 * MINUTE_MS - 10 * MINUTE_MS,
  won,
  memo: recurring.interest.name,
});
