import { defineJob, type Job, TerminalError } from "mulgil";
import { collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { consents } from "../../schemas/types/mydata/consent.ts";
import { consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { type UserEvent, userEvents } from "../../schemas/types/mydata/user-event.ts";
import { institutions as configured } from "./configuration.ts";
import { eventRuleOf } from "./event-map.ts";
import type { Institutions } from "./institutions.ts";
import { type PlanInput, type PlanOutput, planStep } from "./plan-step.ts";

/**
 * Turns clicks into collection requests, by the event map; keeps data up to date by schedule; gives the orders to forget. What is requested, fresh and under
 * way is state of the customer: completions come back here.
 */
export const planCollection = (institutions: Institutions): Job =>
  defineJob({
    name: "plan-collection",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      const inputs = from(userEvents)
        .map(clickOf)
        .merge(
          from(consents).map((consent): PlanInput => ({ kind: "consent", consent })),
          from(completions).map((completion): PlanInput => ({ kind: "completion", completion })),
          from(consentEvents).map((refusal): PlanInput => ({ kind: "refusal", refusal })),
        );
      const outputs = inputs.process("plan", planStep(institutions));
      outputs.flatMap(requestsIn).to(collectionRequests);
      outputs.flatMap(erasuresIn).to(erasures);
    },
  });

/** @throws {TerminalError} MYDATA_UNKNOWN_ACTION */
function clickOf(event: UserEvent): PlanInput {
  const rule = eventRuleOf(event.page, event.action);
  if (rule === undefined)
    throw new TerminalError(
      `the event map has no action "${event.action}" on page "${event.page}": add it to event-map.ts`,
      { code: "MYDATA_UNKNOWN_ACTION" },
    );
  return { kind: "click", event, rule };
}

const requestsIn = (output: PlanOutput) => (output.kind === "request" ? [output.request] : []);
const erasuresIn = (output: PlanOutput) => (output.kind === "erasure" ? [output.erasure] : []);

export default planCollection(configured);
