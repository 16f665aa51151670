import type { LogAccess } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { headRecords } from "../lag/head-records.ts";
import type { Attempts } from "./attempts.ts";
import type { ObservedInput, OpenTransactionFacts } from "./facts.ts";

const HEADS_WAIT_MAX_MS = 3_000;

export interface GatherTransactionsOptions {
  readonly log: LogAccess;
  readonly clock: Clock;
  readonly inputs: readonly ObservedInput[];
  readonly attempts: Attempts;
}

/** What holds back the readers of committed records: their end lies before the partition's. A log that does not tell whose it is, is asked in vain. */
export async function openTransactionFacts(
  options: GatherTransactionsOptions,
): Promise<readonly OpenTransactionFacts[]> {
  const { log, clock, attempts } = options;
  const held = options.inputs.filter(({ endOffset, highWatermark }) => endOffset < highWatermark);
  if (held.length === 0) return [];
  const told = await attempts.orElse([], "look for open transactions", () => log.openTransactions(held));
  const open = held.flatMap(({ topic, partition, endOffset, highWatermark }) => {
    const own = told.filter((each) => each.topic === topic && each.partition === partition);
    const unknown = { ...{ topic, partition, producerId: -1 }, firstOffset: endOffset, transactionalId: undefined };
    // The one that begins first is what holds the end.
    const [first = unknown] = own.toSorted((left, right) => left.firstOffset - right.firstOffset);
    return [{ ...first, heldBack: highWatermark - first.firstOffset }];
  });
  const positions = open.map(({ topic, partition, firstOffset: offset }) => ({ topic, partition, offset }));
  const heads = await attempts.orElse([], "read what open transactions have written", () =>
    headRecords({ log, clock, positions, isolation: "read_uncommitted", waitMaxMs: HEADS_WAIT_MAX_MS }),
  );
  return open.map((each) => ({
    ...each,
    sinceMs: heads.find(({ topic, partition }) => topic === each.topic && partition === each.partition)?.timestampMs,
  }));
}
