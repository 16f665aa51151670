import { randomUUID } from "node:crypto";
import { type CallPolicy, type Duration, defineJob, type Job } from "mulgil";
import { collectedRecords } from "../../schemas/types/mydata/collected-record.ts";
import { collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import {
  type CollectOutput,
  type CollectorOptions,
  collectorOf,
  completionOfDead,
  completionOfSuperseded,
} from "./collector.ts";
import { institutions as configured } from "./configuration.ts";
import { type Institution, type Institutions, policyOf } from "./institutions.ts";
import { retryTiers } from "./topic-ages.ts";

export interface CollectJobOptions extends Omit<CollectorOptions, "institutionOf"> {
  readonly institutions: Institutions;
  /** Delays of the retry tiers; whoever changes them tells `topicAgesWith`. @default `retryTiers` */
  readonly tiers?: readonly Duration[];
  /** When any institution is left alone, and how often a request is tried. @default those of the call step */
  readonly trouble?: Pick<CallPolicy, "circuit" | "retry">;
}

const TRANSACTION_ID_CHARACTERS = 25;

/**
 * Calls the institutions, and says what became of each request: one completion for every one that no erasure took away.
 *
 * The last request that succeeded decides what is current: an older one that is still being tried again is dropped then. "Last" is by `requestedAt`, which rises with
 * every request of a customer and is what all that keep data compare by, too; the place in the topic would be the same as long as nobody writes requests anew.
 */
export const collect = ({ institutions, now, tiers = retryTiers, trouble, ...client }: CollectJobOptions): Job => {
  const institutionOf = (id: string): Institution | undefined => institutions.get(id);
  return defineJob({
    name: "collect",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      const collected = from(collectionRequests).call<CollectOutput>("collect", {
        resource: ({ institution }) => institution,
        orderKey: ({ customerId, institution, resource, assetId }) =>
          [customerId, institution, resource, assetId ?? ""].join("/"),
        order: "lastSuccessWins",
        version: ({ requestedAt }) => requestedAt,
        tiers,
        policy: (id) => ({ ...policyOf(institutionOf(id)), ...trouble }),
        erasure: {
          subject: ({ customerId, institution }) => `${customerId}/${institution}`,
          isOrder: ({ kind }) => kind === "erase",
        },
        handler: collectorOf({ ...client, now, institutionOf }),
      });
      collected.flatMap((output) => (output.kind === "record" ? [output.record] : [])).to(collectedRecords);
      collected.flatMap((output) => (output.kind === "refusal" ? [output.refusal] : [])).to(consentEvents);
      collected.flatMap((output) => (output.kind === "completion" ? [output.completion] : [])).to(completions);
      collected.dead.map((failure) => completionOfDead(failure, now())).to(completions);
      collected.superseded.map((request) => completionOfSuperseded(request, now())).to(completions);
    },
  });
};

export default collect({
  institutions: configured,
  fetch: (url, init) => fetch(url, init),
  newTransactionId: () => randomUUID().replaceAll("-", "").slice(0, TRANSACTION_ID_CHARACTERS),
  now: () => Date.now(),
});
