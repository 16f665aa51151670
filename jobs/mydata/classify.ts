import { defineJob, type Job } from "mulgil";
import { classifiedTransactions } from "../../schemas/types/mydata/classified-transaction.ts";
import { collectedRecords } from "../../schemas/types/mydata/collected-record.ts";
import { type ClassificationRule, categoryOf, payeeOf } from "./categorise.ts";
import rules from "./classification-rules.json" with { type: "json" };

/** Gives each transaction its category. Keeps nothing: what must be forgotten is dropped by those that keep something. */
export const classify = (rules: readonly ClassificationRule[]): Job =>
  defineJob({
    name: "classify",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      from(collectedRecords)
        .flatMap(({ customerId, institution, requestedAt, transaction }) => {
          if (transaction === null) return [];
          const { assetId, transactionId, occurredAt, direction, amount } = transaction;
          const { currency, balanceAfter, cancelled, text } = transaction;
          return [
            {
              ...{ customerId, institution, assetId, transactionId, requestedAt, occurredAt, direction, amount },
              ...{ currency, balanceAfter, cancelled },
              category: categoryOf(rules, text, direction),
              payee: payeeOf(text),
            },
          ];
        })
        .to(classifiedTransactions);
    },
  });

export default classify(rules);
