import { type Asset, assetsOf, issuedBy } from "../data/assets.ts";
import { type BookedMovement, balanceAt, ledgerBetween } from "../data/bank-ledger.ts";
import { monthText } from "../seoul-time.ts";
import type { AccountsOf, BankAccount, BankTransaction } from "./bank.ts";

/** Accounts that are invented from the seed. */
export const generatedAccounts =
  (seed: number, institution: string): AccountsOf =>
  (customer, nowMs) =>
    issuedBy(assetsOf(seed, institution, customer, "110"), nowMs).map(toAccount);

const toAccount = (asset: Asset): BankAccount => ({
  id: asset.id,
  issuedMs: asset.issuedMs,
  isSavings: asset.index > 0,
  currency: "KRW",
  transactionsBetween: (fromMs, toMs) => ledgerBetween(asset, fromMs, toMs).map(toTransaction),
  balanceAt(timeMs) {
    const { won, sinceMs } = balanceAt(asset, timeMs);
    return { amount: String(won), sinceMs };
  },
});

const toTransaction = ({ month, number, atMs, won, balanceWon, memo }: BookedMovement): BankTransaction => ({
  number: `${monthText(month)}${String(number).padStart(4, "0")}`,
  atMs,
  type: won < 0 ? "WITHDRAWAL" : "DEPOSIT",
  amount: String(Math.abs(won)),
  balance: String(balanceWon),
  memo,
});
