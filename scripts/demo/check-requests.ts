import { number } from "../run/progress.ts";
import { type Check, problemOf } from "./check.ts";
import type { RequestEnd, RequestFacts, SentRequest } from "./request-facts.ts";

const OUTCOMES = ["succeeded", "unchanged", "superseded", "failed"] as const;

/** Every request has one end, or was taken away by an order to forget that came behind it. */
export function checkRequests({ requests, ends }: RequestFacts): readonly Check[] {
  const collected = requests.filter(({ kind }) => kind === "collect");
  const known = new Set(collected.map(({ requestId }) => requestId));
  const endsOf = Map.groupBy(ends, ({ requestId }) => requestId);
  const endless = collected.filter(({ requestId }) => !endsOf.has(requestId));
  const isErased = erasedBy(requests);
  const erased = endless.filter(isErased);
  const counts = OUTCOMES.map((outcome) => ends.filter((end) => end.outcome === outcome).length);
  const sum = counts.reduce((total, count) => total + count, erased.length);
  const parts = OUTCOMES.map((outcome, index) => `${number(counts[index]!)} ${outcome}`);
  const twice = [...endsOf].filter(([, all]) => all.length > 1).map(([id]) => id);
  const unknown = [...endsOf.keys()].filter((id) => !known.has(id));
  const ids = (those: readonly SentRequest[]) => those.map(({ requestId }) => requestId);
  return [
    {
      what: "requests",
      found: `${number(collected.length)} sent = ${parts.join(", ")}, ${number(erased.length)} erased`,
      problems: sum === collected.length ? [] : [`${number(collected.length)} sent, but ${number(sum)} ended`],
    },
    {
      what: "one end each",
      found: `${number(known.size)} ids, ${number(ends.length)} ends`,
      problems: [
        ...problemOf("requests have no end", ids(endless.filter((request) => !isErased(request)))),
        ...problemOf("requests ended more than once", twice),
        ...problemOf("ends are of no request", unknown),
        ...(known.size === collected.length ? [] : ["the same request was sent twice"]),
      ],
    },
  ];
}

/** Which requests the orders to forget have taken away, if they have not ended. */
export function erasedBy(requests: readonly SentRequest[]): (request: SentRequest) => boolean {
  const erasedUntil = new Map<string, number>();
  const subjectOf = ({ customerId, institution }: SentRequest) => `${customerId}/${institution}`;
  for (const request of requests)
    if (request.kind === "erase")
      erasedUntil.set(subjectOf(request), Math.max(erasedUntil.get(subjectOf(request)) ?? 0, request.requestedAt));
  return (request) => request.requestedAt <= (erasedUntil.get(subjectOf(request)) ?? 0);
}

export const isSuccess = ({ outcome }: RequestEnd): boolean => outcome === "succeeded" || outcome === "unchanged";
