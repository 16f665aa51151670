import type { InstitutionStats } from "../institutions/institution-stats.ts";
import { number } from "../run/progress.ts";
import type { Check } from "./check.ts";
import { isSuccess } from "./check-requests.ts";
import type { RequestFacts } from "./request-facts.ts";

/**
 * Nothing was collected twice, by the institutions' own books. They may have delivered more than what succeeded: what an order to forget, or a later success, has
 * overtaken on its way.
 */
export function checkDeliveries(
  { requests, ends }: RequestFacts,
  stats: ReadonlyMap<string, Pick<InstitutionStats, "deliveries">>,
): Check {
  const totals = [...stats.values()].map(({ deliveries }) => deliveries);
  const sum = (of: (total: (typeof totals)[number]) => number) => totals.reduce((all, one) => all + of(one), 0);
  const delivered = sum(({ completions, unchanged }) => completions + unchanged);
  const [repeated, forgotten] = [sum((total) => total.repeated), sum((total) => total.forgotten)];
  const successes = ends.filter(isSuccess).length;
  const sent = requests.filter(({ kind }) => kind === "collect").length;
  const overtaken = sent - successes;
  return {
    what: "collected once",
    found: `${number(delivered)} delivered, ${number(successes)} succeeded, ${number(repeated)} repeated`,
    problems: [
      ...(repeated === 0 ? [] : [`${number(repeated)} deliveries were repeated under the same key`]),
      ...(forgotten === 0 ? [] : [`the institutions have forgotten ${number(forgotten)} deliveries`]),
      ...(delivered < successes ? [`only ${number(delivered)} of ${number(successes)} successes were delivered`] : []),
      ...(delivered > successes + overtaken
        ? [`${number(delivered)} deliveries are more than the ${number(sent)} requests`]
        : []),
    ],
  };
}
