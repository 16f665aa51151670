import { mapStore, type ProcessContext, type ProcessOptions, type Schema, TerminalError, valueStore } from "mulgil";
import { type Analysis, analysis } from "../../schemas/types/mydata/analysis.ts";
import { assetMonth } from "../../schemas/types/mydata/asset-month.ts";
import type { ClassifiedTransaction } from "../../schemas/types/mydata/classified-transaction.ts";
import type { Erasure } from "../../schemas/types/mydata/erasure.ts";
import { erasureMemory } from "../../schemas/types/mydata/erasure-memory.ts";
import { ledgerIndex } from "../../schemas/types/mydata/ledger-index.ts";
import { monthSummary } from "../../schemas/types/mydata/month-summary.ts";
import { analysisOf } from "./analysis-of.ts";
import { erasedUntil, noErasures, rememberErasure } from "./erasure-memory.ts";
import { Ledger } from "./ledger.ts";

export type AnalyseInput =
  | { readonly kind: "transaction"; readonly transaction: ClassifiedTransaction }
  | { readonly kind: "erasure"; readonly erasure: Erasure };

const text: Schema<string> = { avro: "string" };
const stores = {
  erasures: valueStore(erasureMemory),
  index: valueStore(ledgerIndex),
  assetMonths: mapStore("string", assetMonth),
  summaries: mapStore("string", monthSummary),
  months: mapStore("string", text),
};
type Context = ProcessContext<string, typeof stores, "publish", Analysis>;

/** A collection brings hundreds of transactions of one customer: they are analysed together. */
const PUBLISH_AFTER_MS = 1_000;
const MONTHS_MAX = 36;
const DAY_MS = 86_400_000;
const EARLIEST_MS = Date.UTC(1990, 0, 1);

/** Keeps the transactions of a customer by month, and says what they come to. */
export const analyseStep: ProcessOptions<string, AnalyseInput, typeof stores, "publish", Analysis, undefined> = {
  stores,
  timers: { publish: "wall-time" },
  output: analysis,
  onRecord(input, context) {
    if (input.kind === "erasure") forget(input.erasure, context);
    else keep(input.transaction, context);
  },
  onTimer(_timer, { key, stores, wallClockMs, emit }) {
    const months = new Ledger(stores).summarised().slice(-MONTHS_MAX);
    emit(analysisOf(key, wallClockMs, months), { timestampMs: wallClockMs });
  },
};

function keep(transaction: ClassifiedTransaction, context: Context): void {
  const { stores, wallClockMs } = context;
  if (transaction.occurredAt < EARLIEST_MS || transaction.occurredAt > wallClockMs + DAY_MS)
    throw new TerminalError("a transaction happened before 1990 or lies ahead: ask the institution about it", {
      code: "MYDATA_IMPLAUSIBLE_TIME",
    });
  const memory = stores.erasures.get() ?? noErasures;
  if (transaction.requestedAt <= erasedUntil(memory, transaction.institution)) return;
  const ledger = new Ledger(stores);
  ledger.put(transaction);
  if (ledger.hasChanged) publishSoon(context);
}

/** What was requested behind the order stays: records and orders come by different topics. */
function forget(order: Erasure, context: Context): void {
  const { stores, timers, emitTombstone, wallClockMs } = context;
  const memory = rememberErasure(stores.erasures.get() ?? noErasures, order);
  stores.erasures.set(memory);
  const ledger = new Ledger(stores);
  const wasEmpty = ledger.isEmpty;
  ledger.erase((institution) => erasedUntil(memory, institution));
  if (ledger.isEmpty) {
    timers.publish.cancel();
    if (!wasEmpty) emitTombstone({ timestampMs: wallClockMs });
  } else if (ledger.hasChanged) publishSoon(context);
}

function publishSoon({ timers, wallClockMs }: Context): void {
  if (timers.publish.atMs === undefined) timers.publish.set(wallClockMs + PUBLISH_AFTER_MS);
}
