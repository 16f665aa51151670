import { styleText } from "node:util";
import type { InstitutionStats } from "../institutions/institution-stats.ts";
import { table } from "../output/table.ts";
import type { Check } from "./check.ts";
import { checkAnalyses } from "./check-analyses.ts";
import { checkDeadLetters, readDeadLetters } from "./check-dead-letters.ts";
import { checkDeliveries } from "./check-deliveries.ts";
import { checkOutage, type PastOutage } from "./check-outage.ts";
import { checkProfiles, readProfileFacts } from "./check-profiles.ts";
import { checkRequests } from "./check-requests.ts";
import { readRequestFacts } from "./request-facts.ts";
import type { LogAndRegistry } from "./topic-values.ts";

export interface ReconcileOptions {
  readonly log: LogAndRegistry;
  readonly dlqTopics: readonly string[];
  /** Dead letters that must be there, by code. */
  readonly onPurpose: ReadonlyMap<string, number>;
  readonly outage: PastOutage;
  readonly stats: ReadonlyMap<string, Pick<InstitutionStats, "deliveries">>;
  /** Customers who left. */
  readonly left: ReadonlySet<string>;
}

/** Counts anew from the topics and from the institutions' books, with none of the jobs' own counters. */
export async function reconcile(options: ReconcileOptions): Promise<readonly Check[]> {
  const { log, outage, stats } = options;
  const requests = await readRequestFacts(log);
  return [
    ...checkRequests(requests),
    checkOutage(requests, outage),
    checkDeliveries(requests, stats),
    checkDeadLetters(await readDeadLetters(log, options.dlqTopics), options.onPurpose),
    checkProfiles(await readProfileFacts(log), options.left),
    await checkAnalyses(log),
  ];
}

/** For people: a line a check, and below them what does not add up. */
export function reconciliationText(checks: readonly Check[]): string {
  const rows = checks.map(({ what, found, problems }) => [
    problems.length === 0 ? styleText("green", "✓") : styleText("red", "✗"),
    what,
    found,
  ]);
  const problems = checks.flatMap(({ what, problems }) => problems.map((problem) => `  ${what}: ${problem}`));
  const verdict =
    problems.length === 0
      ? styleText("green", "everything adds up")
      : [styleText("red", "it does not add up:"), ...problems].join("\n");
  return `${table(["", "check", "found"], rows)}\n\n${verdict}`;
}
