import { defineJob } from "mulgil";
import { analyses } from "../../schemas/types/mydata/analysis.ts";
import { classifiedTransactions } from "../../schemas/types/mydata/classified-transaction.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { type AnalyseInput, analyseStep } from "./analyse-step.ts";

const CURRENCY = "KRW";

/**
 * Spending by month and category, recurring payments and balances of each customer. Months never close: what an outage has delayed by days counts
 * where it belongs. Amounts of different currencies cannot be added: only won are analysed.
 */
export default defineJob({
  name: "analyse",
  version: 1,
  commitEvery: "200 ms",
  flow(from) {
    from(classifiedTransactions)
      .filter(({ currency }) => currency === CURRENCY)
      .map((transaction): AnalyseInput => ({ kind: "transaction", transaction }))
      .merge(from(erasures).map((erasure): AnalyseInput => ({ kind: "erasure", erasure })))
      .process("ledger", analyseStep)
      .to(analyses);
  },
});
