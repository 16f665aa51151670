import { number } from "../run/progress.ts";
import { type Check, problemOf } from "./check.ts";
import { erasedBy } from "./check-requests.ts";
import type { RequestFacts } from "./request-facts.ts";

export interface PastOutage {
  readonly institution: string;
  /** Wall clock. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Times of requests may run ahead of the clock by a little: so close to the beginning nobody can say what was called when. */
const HEAD_MS = 1_000;

/** What was requested while the institution was down succeeded when it was up again, and not before. */
export function checkOutage({ requests, ends }: RequestFacts, { institution, fromMs, untilMs }: PastOutage): Check {
  const isErased = erasedBy(requests);
  const endOf = new Map(ends.map((end) => [end.requestId, end]));
  const during = requests.filter(
    ({ kind, institution: asked, requestedAt }) =>
      kind === "collect" && asked === institution && requestedAt >= fromMs + HEAD_MS && requestedAt < untilMs,
  );
  const kept = during.filter((request) => !isErased(request));
  const ids = (outcome: (id: string) => boolean) =>
    kept.flatMap(({ requestId }) => (outcome(requestId) ? [requestId] : []));
  const succeeded = kept.filter(({ requestId }) => endOf.get(requestId)?.outcome !== "failed" && endOf.has(requestId));
  const waits = succeeded.map(({ requestId, requestedAt }) => endOf.get(requestId)!.completedAt - requestedAt);
  const longestMs = waits.reduce((longest, waited) => Math.max(longest, waited), 0);
  const erased = during.length - kept.length;
  return {
    what: `${institution}'s outage`,
    found: `${number(kept.length)} requests, all succeeded behind it; longest wait ${(longestMs / 1000).toFixed(1)} s${erased === 0 ? "" : `; ${erased} erased`}`,
    problems: [
      ...(kept.length === 0 ? ["nothing was requested while it was down: the demo shows nothing"] : []),
      ...problemOf(
        "of its requests did not succeed",
        ids((id) => endOf.get(id) === undefined || endOf.get(id)?.outcome === "failed"),
      ),
      ...problemOf(
        "of its requests ended before it was up again",
        ids((id) => (endOf.get(id)?.completedAt ?? untilMs) < untilMs),
      ),
    ],
  };
}
