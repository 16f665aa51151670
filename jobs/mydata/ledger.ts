import type { MapState, ValueState } from "mulgil";
import type { AssetMonth, KnownTransaction } from "../../schemas/types/mydata/asset-month.ts";
import type { ClassifiedTransaction } from "../../schemas/types/mydata/classified-transaction.ts";
import type { LedgerIndex } from "../../schemas/types/mydata/ledger-index.ts";
import type { MonthSummary } from "../../schemas/types/mydata/month-summary.ts";
import type { SummarisedMonth } from "./analysis-of.ts";
import { compareTexts, summarise } from "./month-summary.ts";
import { monthOf } from "./seoul-time.ts";

export interface LedgerStores {
  readonly index: ValueState<LedgerIndex>;
  readonly assetMonths: MapState<string, AssetMonth>;
  readonly summaries: MapState<string, MonthSummary>;
  /** In which month a transaction is. */
  readonly months: MapState<string, string>;
}

type Asset = Pick<ClassifiedTransaction, "institution" | "assetId">;

const empty: LedgerIndex = { assets: [], changedMonths: [] };

/** The transactions of one customer: each once, as it was requested last, in the month in which it happened. */
export class Ledger {
  readonly #stores: LedgerStores;

  constructor(stores: LedgerStores) {
    this.#stores = stores;
  }

  get isEmpty(): boolean {
    return this.#index.assets.length === 0;
  }

  get hasChanged(): boolean {
    return this.#index.changedMonths.length > 0;
  }

  get #index(): LedgerIndex {
    return this.#stores.index.get() ?? empty;
  }

  /** A transaction that is known already, in this version or a later one, changes nothing. */
  put(transaction: ClassifiedTransaction): void {
    const { months } = this.#stores;
    const month = monthOf(transaction.occurredAt);
    const place = placeOf(transaction, transaction.transactionId);
    const before = months.get(place);
    const known = before === undefined ? undefined : this.#find(transaction, before, transaction.transactionId);
    if (known !== undefined && known.requestedAt >= transaction.requestedAt) return;
    if (before !== undefined && before !== month) this.#remove(transaction, before, transaction.transactionId);
    const others = this.#read(transaction, month).filter((one) => one.transactionId !== transaction.transactionId);
    this.#write(transaction, month, [...others, knownOf(transaction)]);
    if (before !== month) months.set(place, month);
  }

  /** Forgets what was requested up to a time, by institution. */
  erase(erasedUntil: (institution: string) => number): void {
    const { months } = this.#stores;
    for (const asset of this.#index.assets)
      for (const month of asset.months) {
        const before = this.#read(asset, month);
        const kept = before.filter(({ requestedAt }) => requestedAt > erasedUntil(asset.institution));
        if (kept.length === before.length) continue;
        for (const { transactionId } of before.filter((one) => !kept.includes(one)))
          months.delete(placeOf(asset, transactionId));
        this.#write(asset, month, kept);
      }
    if (this.isEmpty) this.#summarise();
  }

  /** All months, the earliest first. Brings up to date what has changed. */
  summarised(): readonly SummarisedMonth[] {
    this.#summarise();
    const months = new Set(this.#index.assets.flatMap((asset) => asset.months));
    return [...months].sort().flatMap((month) => {
      const summary = this.#stores.summaries.get(month);
      return summary === undefined ? [] : [{ month, summary }];
    });
  }

  #summarise(): void {
    const { index, summaries } = this.#stores;
    const { assets, changedMonths } = this.#index;
    for (const month of changedMonths) {
      const transactions = assets
        .filter(({ months }) => months.includes(month))
        .map((asset) => ({ asset: assetKey(asset), transactions: this.#read(asset, month) }));
      if (transactions.length === 0) summaries.delete(month);
      else summaries.set(month, summarise(transactions));
    }
    if (assets.length === 0) index.delete();
    else if (changedMonths.length > 0) index.set({ assets, changedMonths: [] });
  }

  #find(asset: Asset, month: string, id: string): KnownTransaction | undefined {
    return this.#read(asset, month).find(({ transactionId }) => transactionId === id);
  }

  #remove(asset: Asset, month: string, id: string): void {
    const others = this.#read(asset, month).filter(({ transactionId }) => transactionId !== id);
    this.#write(asset, month, others);
  }

  #read(asset: Asset, month: string): readonly KnownTransaction[] {
    return this.#stores.assetMonths.get(placeOf(asset, month))?.transactions ?? [];
  }

  #write(asset: Asset, month: string, transactions: KnownTransaction[]): void {
    const place = placeOf(asset, month);
    if (transactions.length === 0) this.#stores.assetMonths.delete(place);
    else this.#stores.assetMonths.set(place, { transactions });
    this.#note(asset, month, transactions.length > 0);
  }

  /** Keeps the index right: which months the asset has, and that this one has changed. */
  #note(asset: Asset, month: string, isThere: boolean): void {
    const { assets, changedMonths } = this.#index;
    const found = assets.find((one) => assetKey(one) === assetKey(asset));
    const isKnown = found?.months.includes(month) ?? false;
    if (isKnown === isThere && changedMonths.includes(month)) return;
    const others = (found?.months ?? []).filter((one) => one !== month);
    const months = isThere ? [...others, month].sort() : others;
    const { institution, assetId } = asset;
    const next = assets.filter((one) => one !== found);
    if (months.length > 0) next.push({ institution, assetId, months });
    this.#stores.index.set({
      assets: next.sort((a, b) => compareTexts(assetKey(a), assetKey(b))),
      changedMonths: [...new Set([...changedMonths, month])],
    });
  }
}

const assetKey = ({ institution, assetId }: Asset): string => `${institution}\n${assetId}`;
const placeOf = (asset: Asset, last: string): string => `${assetKey(asset)}\n${last}`;

function knownOf(transaction: ClassifiedTransaction): KnownTransaction {
  const { transactionId, requestedAt, occurredAt, direction, amount } = transaction;
  const { balanceAfter, cancelled, category, payee } = transaction;
  return { transactionId, requestedAt, occurredAt, direction, amount, balanceAfter, cancelled, category, payee };
}
