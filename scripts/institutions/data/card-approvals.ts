import { randomOf } from "../random-of.ts";
import { monthAt } from "../seoul-time.ts";
import type { Asset } from "./assets.ts";
import { type Purchase, purchasesIn } from "./purchases.ts";

export interface Approval extends Purchase {
  readonly month: number;
  /** From 1 within the month. */
  readonly number: number;
}

const APPROVALS_MIN = 8;
const APPROVALS_SPREAD = 30;

/** The approvals of one month of a card, in order. */
export function approvalsIn(card: Asset, month: number): readonly Approval[] {
  if (month < card.issuedMonth) return [];
  const random = randomOf(card.seed, "approvals", month);
  return purchasesIn(month, APPROVALS_MIN + random.below(APPROVALS_SPREAD), random)
    .sort((a, b) => a.atMs - b.atMs)
    .map((purchase, index) => ({ ...purchase, month, number: index + 1 }));
}

/** The approvals in [from, to), in order. */
export function approvalsBetween(card: Asset, fromMs: number, toMs: number): readonly Approval[] {
  const found: Approval[] = [];
  const last = monthAt(toMs - 1);
  for (let month = Math.max(card.issuedMonth, monthAt(fromMs)); month <= last; month++) {
    for (const approval of approvalsIn(card, month))
      if (approval.atMs >= fromMs && approval.atMs < toMs) found.push(approval);
  }
  return found;
}
