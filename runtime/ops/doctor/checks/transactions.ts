import type { Facts, OpenTransactionFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, waits } from "../words.ts";

/** A job's own transactions are as long as its commits take. */
const USUAL_MAX_MS = 10_000;
/** Where nobody says since when one is open, it has to be seen for so long. */
const SEEN_MIN_MS = 3_000;

/** Transactions that are open for long: who reads committed records waits behind them. */
export function checkTransactions({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, transactions }) =>
    transactions
      .filter((transaction) => isLong(transaction, nowMs))
      .map((transaction): Finding => {
        const { topic, partition, startedAtMs, heldForMs } = transaction;
        const ageMs = startedAtMs === undefined ? heldForMs : nowMs - startedAtMs;
        const atLeast = startedAtMs === undefined ? "at least " : "";
        return {
          check: "transactions",
          severity: "error",
          what: `a transaction is open in ${topic}/${partition} for ${atLeast}${age(ageMs)}: nothing behind it can be read, and the lag does not show it`,
          where: { job: overview.job, topic, partition },
          evidence: evidenceOf(transaction),
          ageMs,
          todo: todo(transaction),
        };
      }),
  );
}

const isLong = ({ startedAtMs, heldForMs }: OpenTransactionFacts, nowMs: number): boolean =>
  startedAtMs === undefined ? heldForMs >= SEEN_MIN_MS : nowMs - startedAtMs >= USUAL_MAX_MS;

function evidenceOf({ firstOffset, producerId, transactionalId, heldBack }: OpenTransactionFacts): string[] {
  const whose =
    transactionalId === undefined
      ? producerId === -1
        ? "the log does not say whose it is"
        : `it is of producer ${producerId}, whose transactional id is not known here`
      : `it is of the transactional id "${transactionalId}" (producer ${producerId})`;
  return [whose, `it begins at offset ${firstOffset}`, `${waits(heldBack)} from there on for its end`];
}

function todo({ transactionalId, topic, partition, firstOffset }: OpenTransactionFacts): string {
  const abort = `kafka-transactions abort --topic ${topic} --partition ${partition} --start-offset ${firstOffset}`;
  return transactionalId === undefined
    ? `find the producer and end it, or end the transaction by hand (${abort}); the log ends it when the producer's time-out of transactions is over`
    : `start or stop whoever uses "${transactionalId}": its next start ends the transaction; or end it by hand (${abort})`;
}
