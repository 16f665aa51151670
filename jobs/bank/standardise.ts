import { defineJob } from "mulgil";
import { rawTransactions } from "../../schemas/types/bank/raw-transaction.ts";
import { transactions } from "../../schemas/types/bank/transaction.ts";
import { standardTransaction } from "./standard-transaction.ts";

/**
 * Cleanses the rows of the bank's file: typed, in English, keyed by account. A row that breaks a rule goes to the dead letters under
 * the rule's name. Rows of an account stay in order, because the account is the key on both sides.
 */
export default defineJob({
  name: "standardise",
  version: 1,
  flow(from) {
    from(rawTransactions)
      .map((row) => standardTransaction(row))
      .keyBy((transaction) => transaction.accountId, "long")
      .to(transactions);
  },
});
