import { number } from "../run/progress.ts";
import { deadLettersIn } from "./bank-results.ts";
import type { Check } from "./check.ts";
import type { LogAndRegistry } from "./topic-values.ts";

/** How many dead letters the jobs have together, by code. */
export async function readDeadLetters(
  log: LogAndRegistry,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const topic of topics)
    for (const [code, count] of await deadLettersIn(log, topic)) found.set(code, (found.get(code) ?? 0) + count);
  return found;
}

const countOf = (counts: ReadonlyMap<string, number>, code: string): string => number(counts.get(code) ?? 0);

/** There are those that are there on purpose, and no other. */
export function checkDeadLetters(found: ReadonlyMap<string, number>, onPurpose: ReadonlyMap<string, number>): Check {
  const codes = [...new Set([...found.keys(), ...onPurpose.keys()])].sort();
  const wrong = codes.filter((code) => found.get(code) !== onPurpose.get(code));
  return {
    what: "dead letters",
    found:
      codes.map((code) => `${countOf(found, code)} ${code}, ${countOf(onPurpose, code)} on purpose`).join("; ") ||
      "none",
    problems: wrong.map((code) => `${countOf(found, code)} ${code} instead of ${countOf(onPurpose, code)}`),
  };
}
