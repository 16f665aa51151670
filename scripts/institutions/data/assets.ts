import { hashOf, randomOf } from "../random-of.ts";
import { startOfMonth } from "../seoul-time.ts";

/** An account, a card, a policy. */
export interface Asset {
  readonly id: string;
  /** Of what is invented for it. */
  readonly seed: number;
  /** The customer's first asset is 0. */
  readonly index: number;
  /** The month, and its beginning, in which it was issued. Before that nobody knows it. */
  readonly issuedMonth: number;
  readonly issuedMs: number;
}

const EARLIEST_MONTH = 2018 * 12;
const FIRST_ASSET_MONTHS = 7 * 12;
/** Later assets are issued so long after the first at most: some of them while the system runs, so that lists change. */
const LATER_ASSET_MONTHS = 10 * 12;
const ASSETS_MAX = 3;
const NUMBER_DIGITS = 10;

/** What a customer has, and will have, at one institution: one to three assets, the first of them before 2025. */
export function assetsOf(seed: number, institution: string, customer: string, prefix: string): readonly Asset[] {
  const random = randomOf(seed, institution, customer, "assets");
  const number = String(random.below(10 ** NUMBER_DIGITS)).padStart(NUMBER_DIGITS, "0");
  const firstMonth = EARLIEST_MONTH + random.below(FIRST_ASSET_MONTHS);
  return Array.from({ length: 1 + random.below(ASSETS_MAX) }, (_, index) => {
    const issuedMonth = index === 0 ? firstMonth : firstMonth + random.below(LATER_ASSET_MONTHS);
    return {
      id: `${prefix}${number}00${index + 1}`,
      seed: hashOf(seed, institution, customer, index),
      index,
      issuedMonth,
      issuedMs: startOfMonth(issuedMonth),
    };
  });
}

export const issuedBy = <A extends Asset>(assets: readonly A[], nowMs: number): readonly A[] =>
  assets.filter(({ issuedMs }) => issuedMs <= nowMs);
