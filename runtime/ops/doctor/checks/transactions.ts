import type { Facts, OpenTransactionFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, counted } from "../words.ts";

/** A job's own transactions are as long as its commits take. */
const USUAL_MAX_MS = 10_000;

/** Transactions that are open for long: who reads committed records waits behind them. */
export function checkTransactions({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, transactions }) =>
    transactions.flatMap((transaction): Finding[] => {
      const { topic, partition, sinceMs } = transaction;
      const ageMs = sinceMs === undefined ? undefined : nowMs - sinceMs;
      if (ageMs !== undefined && ageMs < USUAL_MAX_MS) return [];
      return [
        {
          check: "transactions",
          severity: "error",
          what: `a transaction is open in ${topic}/${partition}${ageMs === undefined ? "" : ` for ${age(ageMs)}`}: nothing behind it can be read, and lag does not show it`,
          where: { job: overview.job, topic, partition },
          evidence: evidenceOf(transaction),
          ageMs,
          todo: todo(transaction),
        },
      ];
    }),
  );
}

function evidenceOf({ firstOffset, producerId, transactionalId, heldBack }: OpenTransactionFacts): string[] {
  const whose =
    transactionalId === undefined
      ? producerId === -1
        ? "the log does not say whose it is"
        : `it is of producer ${producerId}, whose transactional id is not known here`
      : `it is of the transactional id "${transactionalId}" (producer ${producerId})`;
  const from = firstOffset === undefined ? [] : [`it begins at offset ${firstOffset}`];
  return [whose, ...from, `${counted(heldBack, "record")} wait behind its beginning`];
}

function todo({ transactionalId, topic, partition, firstOffset }: OpenTransactionFacts): string {
  const abort = `kafka-transactions abort --topic ${topic} --partition ${partition} --start-offset ${firstOffset ?? "…"}`;
  return transactionalId === undefined
    ? `find the producer and end it, or end the transaction by hand (${abort}); the broker ends it after the producer's transaction.timeout.ms`
    : `start or stop whoever uses "${transactionalId}": its next start ends the transaction; or end it by hand (${abort})`;
}
