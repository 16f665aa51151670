import { number } from "../run/progress.ts";
import { type Check, problemOf } from "./check.ts";
import { erasedBy } from "./check-requests.ts";
import type { RequestEnd, RequestFacts } from "./request-facts.ts";

export interface PastOutage {
  readonly institution: string;
  /** Wall clock. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Times of requests may run ahead of the clock by a little: so close to the beginning nobody can say what was called when. */
const HEAD_MS = 1_000;

/** What was requested while the institution was down succeeded when it was up again, and not before; superseded is what a later success has overtaken. */
export function checkOutage({ requests, ends }: RequestFacts, { institution, fromMs, untilMs }: PastOutage): Check {
  const isErased = erasedBy(requests);
  const endOf = new Map(ends.map((end) => [end.requestId, end]));
  const during = requests.filter(
    ({ kind, institution: asked, requestedAt }) =>
      kind === "collect" && asked === institution && requestedAt >= fromMs + HEAD_MS && requestedAt < untilMs,
  );
  const kept = during.filter((request) => !isErased(request));
  const ids = (isWrong: (end: RequestEnd | undefined) => boolean) =>
    kept.flatMap(({ requestId }) => (isWrong(endOf.get(requestId)) ? [requestId] : []));
  const behind = kept.flatMap(({ requestId, requestedAt }) => {
    const end = endOf.get(requestId);
    return end === undefined || end.outcome === "failed" || end.completedAt < untilMs
      ? []
      : [end.completedAt - requestedAt];
  });
  const longestMs = behind.reduce((longest, waited) => Math.max(longest, waited), 0);
  const erased = during.length - kept.length;
  return {
    what: `${institution}'s outage`,
    found: `${number(behind.length)} of ${number(kept.length)} requests succeeded behind it, ${erased} erased; longest wait ${(longestMs / 1000).toFixed(1)} s`,
    problems: [
      ...(kept.length === 0 ? ["nothing was requested while it was down: the demo shows nothing"] : []),
      ...problemOf(
        "of its requests did not succeed",
        ids((end) => end === undefined || end.outcome === "failed"),
      ),
      ...problemOf(
        "of its requests ended before it was up again",
        ids((end) => end !== undefined && end.completedAt < untilMs),
      ),
    ],
  };
}
