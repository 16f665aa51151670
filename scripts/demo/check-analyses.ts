import rules from "../../jobs/mydata/classification-rules.json" with { type: "json" };
import { type Analysis, analyses } from "../../schemas/types/mydata/analysis.ts";
import { type CollectedRecord, collectedRecords } from "../../schemas/types/mydata/collected-record.ts";
import { type Erasure, erasures } from "../../schemas/types/mydata/erasure.ts";
import { number } from "../run/progress.ts";
import { type Check, problemOf } from "./check.ts";
import { type LogAndRegistry, topicValues } from "./topic-values.ts";

/** Of one partition: everything is by customer. */
export interface AnalysisFacts {
  readonly collected: readonly CollectedTransaction[];
  readonly orders: readonly Pick<Erasure, "customerId" | "scope" | "institutions" | "orderedAt">[];
  /** The latest of every customer; null: he is forgotten. */
  readonly analyses: ReadonlyMap<string, Pick<Analysis, "months"> | null>;
}

type CollectedTransaction = Pick<CollectedRecord, "customerId" | "institution" | "requestedAt"> & {
  readonly transaction: NonNullable<CollectedRecord["transaction"]>;
};

/** In hundredths of a won. */
interface MonthTotals {
  income: number;
  spending: number;
}

export interface AnalysisCount {
  readonly transactions: number;
  readonly months: number;
  readonly wrong: readonly string[];
}

const SEOUL_MS = 9 * 3_600_000;
const TRANSFER_WORDS = new Set(rules.find(({ category }) => category === "transfer")!.words);

/** The analyses say what a plain sum over the collected transactions says. */
export async function checkAnalyses(log: LogAndRegistry): Promise<Check> {
  const counts: AnalysisCount[] = [];
  for (let partition = 0; partition < analyses.partitions; partition++)
    counts.push(countAnalyses(await readAnalysisFacts(log, partition)));
  const sum = (of: (count: AnalysisCount) => number) => counts.reduce((all, count) => all + of(count), 0);
  const months = sum((count) => count.months);
  const wrong = counts.flatMap((count) => count.wrong);
  return {
    what: "analyses",
    found: `${number(months - wrong.length)} of ${number(months)} months equal a plain sum over ${number(sum(({ transactions }) => transactions))} collected transactions`,
    problems: problemOf("months differ from a plain sum", wrong),
  };
}

async function readAnalysisFacts(log: LogAndRegistry, partition: number): Promise<AnalysisFacts> {
  const collected: CollectedTransaction[] = [];
  const orders: AnalysisFacts["orders"][number][] = [];
  const latest = new Map<string, Pick<Analysis, "months"> | null>();
  const said = ["customerId", "institution", "requestedAt", "transaction"] as const;
  for await (const all of topicValues(log, { topic: collectedRecords, fields: said, partition }))
    for (const { value } of all)
      if (value !== null && value.transaction !== null) collected.push(value as CollectedTransaction);
  const ordered = ["customerId", "scope", "institutions", "orderedAt"] as const;
  for await (const all of topicValues(log, { topic: erasures, fields: ordered, partition }))
    for (const { value } of all) if (value !== null) orders.push(value);
  for await (const all of topicValues(log, { topic: analyses, fields: ["months"], partition }))
    for (const { key, value } of all) latest.set(key, value);
  return { collected, orders, analyses: latest };
}

/** Sums with nothing in common with the job. */
export function countAnalyses({ collected, orders, analyses: found }: AnalysisFacts): AnalysisCount {
  const latest = new Map<string, CollectedTransaction>();
  const ordersOf = Map.groupBy(orders, ({ customerId }) => customerId);
  for (const one of collected) {
    const { customerId, institution, requestedAt, transaction } = one;
    const isForgotten = ordersOf
      .get(customerId)
      ?.some(
        (order) =>
          requestedAt <= order.orderedAt && (order.scope === "customer" || order.institutions.includes(institution)),
      );
    const key = [customerId, institution, transaction.assetId, transaction.transactionId].join(" ");
    if (isForgotten || (latest.get(key)?.requestedAt ?? -1) >= requestedAt) continue;
    latest.set(key, one);
  }
  const expected = new Map<string, MonthTotals>();
  for (const { customerId, transaction } of latest.values()) add(expected, customerId, transaction);
  const said = new Map(
    [...found].flatMap(([customer, analysis]) =>
      (analysis?.months ?? []).map(({ month, income, spending }): [string, MonthTotals] => [
        `${customer} ${month}`,
        { income: hundredthsOf(income), spending: hundredthsOf(spending) },
      ]),
    ),
  );
  const wrong = [...new Set([...expected.keys(), ...said.keys()])].filter((key) => {
    const [one, other] = [expected.get(key), said.get(key)];
    return one?.income !== other?.income || one?.spending !== other?.spending;
  });
  return { transactions: latest.size, months: expected.size, wrong };
}

/** A transfer only changes the place of money, and a cancelled payment counts for nothing; but both make a month. */
function add(totals: Map<string, MonthTotals>, customerId: string, transaction: CollectedTransaction["transaction"]) {
  const key = `${customerId} ${new Date(transaction.occurredAt + SEOUL_MS).toISOString().slice(0, 7)}`;
  const total = totals.get(key) ?? { income: 0, spending: 0 };
  totals.set(key, total);
  const isTransfer = transaction.text
    .toUpperCase()
    .split(" ")
    .some((word) => TRANSFER_WORDS.has(word));
  if (transaction.cancelled || isTransfer) return;
  total[transaction.direction === "in" ? "income" : "spending"] += hundredthsOf(transaction.amount);
}

const hundredthsOf = (amount: { toString(): string }): number => Math.round(Number(String(amount)) * 100);
