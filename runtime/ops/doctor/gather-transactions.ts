import type { LogAccess } from "../../log/port.ts";
import type { Attempts } from "./attempts.ts";
import type { ObservedInput, OpenTransactionFacts } from "./facts.ts";

/** What holds back the readers of committed records: their end lies before the partition's. */
export async function openTransactionFacts(
  log: Pick<LogAccess, "openTransactions">,
  inputs: readonly ObservedInput[],
  attempts: Attempts,
): Promise<readonly OpenTransactionFacts[]> {
  const held = inputs.filter(({ endOffset, highWatermark }) => endOffset < highWatermark);
  if (held.length === 0) return [];
  const told = await attempts.orElse([], "look for open transactions", () => log.openTransactions(held));
  return held.map(({ topic, partition, endOffset, highWatermark, looks }) => {
    const own = told.filter((each) => each.topic === topic && each.partition === partition);
    // The one that begins first is what holds the end; where nobody says whose it is, the end shows where it begins.
    const [first = { ...{ topic, partition, firstOffset: endOffset, producerId: -1 }, ...UNKNOWN }] = own.toSorted(
      (left, right) => left.firstOffset - right.firstOffset,
    );
    return { ...first, heldForMs: heldForMs(looks), heldBack: highWatermark - first.firstOffset };
  });
}

const UNKNOWN = { transactionalId: undefined, startedAtMs: undefined };

function heldForMs(looks: ObservedInput["looks"]): number {
  const last = looks.at(-1)!;
  const since = looks.slice(looks.findLastIndex(({ endOffset }) => endOffset !== last.endOffset) + 1)[0]!;
  return last.atMs - since.atMs;
}
