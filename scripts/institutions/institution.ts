import { SeededRandom } from "../../runtime/testing/seeded-random.ts";
import { type Answer, answerWith, refusalAnswer } from "./answer.ts";
import { Authority } from "./authority.ts";
import { type Behaviour, type OutageKind, standardBehaviour } from "./behaviour.ts";
import { Deliveries } from "./deliveries.ts";
import { type CallFault, faultOf, isWithin, latencyOf, outageAt } from "./faults.ts";
import { CallCounters, type InstitutionStats } from "./institution-stats.ts";
import { hashOf } from "./random-of.ts";
import { RateLimit } from "./rate-limit.ts";
import { RecentIds } from "./recent-ids.ts";
import { RefusedRequest } from "./refused-request.ts";
import type { IndustryData } from "./resource.ts";
import { responseCode } from "./response-code.ts";
import { ScheduledQuota } from "./scheduled-quota.ts";

export const industries = ["bank", "card", "insu"] as const;
export type Industry = (typeof industries)[number];

export interface InstitutionOptions {
  readonly id: string;
  readonly industry: Industry;
  readonly seed: number;
  readonly data: IndustryData;
  readonly behaviour: Partial<Behaviour>;
  readonly deliveriesMax: number;
  readonly transactionIdsMax: number;
}

/** What was drawn for one call. */
export interface CallPlan {
  readonly latencyMs: number;
  readonly fault: CallFault;
  /** Whether the customer's tokens end behind this page. */
  readonly revokesToken: boolean;
}

/** One institution: its behaviour, its tokens, what it has counted. */
export class Institution {
  readonly id: string;
  readonly industry: Industry;
  readonly data: IndustryData;
  readonly authority: Authority;
  readonly counters = new CallCounters();
  readonly deliveries: Deliveries;
  readonly quota = new ScheduledQuota();
  readonly #seed: number;
  readonly #rateLimit = new RateLimit();
  readonly #transactionIds: RecentIds;
  #behaviour: Behaviour;

  constructor({ id, industry, seed, data, behaviour, deliveriesMax, transactionIdsMax }: InstitutionOptions) {
    this.id = id;
    this.industry = industry;
    this.data = data;
    this.authority = new Authority({ institution: id, seed });
    this.deliveries = new Deliveries(deliveriesMax);
    this.#seed = seed;
    this.#transactionIds = new RecentIds(transactionIdsMax);
    this.#behaviour = { ...standardBehaviour, ...behaviour };
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  configure(change: Partial<Behaviour>): void {
    this.#behaviour = { ...this.#behaviour, ...change };
  }

  /** Draws what happens to the call that has just begun. The numbers belong to its place in the order of calls. */
  plan(): CallPlan {
    const random = new SeededRandom(hashOf(this.#seed, this.id, this.counters.requests));
    const { errors, latency, tokenRevokedBetweenPagesRate } = this.#behaviour;
    return {
      fault: faultOf(errors, random),
      revokesToken: random.chance(tokenRevokedBetweenPagesRate),
      latencyMs: latencyOf(latency, random),
    };
  }

  outageAt(nowMs: number): OutageKind | undefined {
    return outageAt(this.#behaviour, nowMs);
  }

  /** What holds for every call, whatever it asks for. @throws {RefusedRequest} 40001, 42901, 50008 */
  admit(transactionId: string | undefined, nowMs: number): void {
    if (transactionId === undefined || !/^[\x21-\x7e]{25}$/.test(transactionId))
      throw new RefusedRequest(responseCode.badHeader, "x-api-tran-id must have 25 characters");
    const isRepeated = this.#transactionIds.add(transactionId);
    if (isRepeated) this.counters.repeatedTransactionIds++;
    const { maintenance, callsPerSecondMax, rejectsRepeatedTransactionIds } = this.#behaviour;
    if (maintenance !== null && isWithin(maintenance, nowMs)) throw inMaintenance(maintenance.untilMs, nowMs);
    const waitMs = callsPerSecondMax === null ? 0 : this.#rateLimit.take(callsPerSecondMax, nowMs);
    if (waitMs > 0)
      throw new RefusedRequest(responseCode.tooManyRequests, "too many calls a second", { retryAfterMs: waitMs });
    if (isRepeated && rejectsRepeatedTransactionIds)
      throw new RefusedRequest(responseCode.badHeader, "x-api-tran-id was there before");
  }

  /** What is sent for a fault that was drawn; undefined for those that are no answer. */
  faultAnswer(fault: CallFault): Answer | undefined {
    if (fault === "serverError") return refusalAnswer(new RefusedRequest(responseCode.serverError, "server error"));
    if (fault !== "okWithError") return undefined;
    const code = this.#behaviour.errors.okWithErrorCode ?? responseCode.serverError;
    return { ...answerWith({ rsp_code: code, rsp_msg: "ERROR" }), code };
  }

  stats(): InstitutionStats {
    const { requests, inFlight, inFlightMax, repeatedTransactionIds, answersByCode, unanswered } = this.counters;
    return {
      ...{ requests, inFlight, inFlightMax, repeatedTransactionIds },
      answersByCode: { ...answersByCode },
      unanswered: { ...unanswered },
      deliveries: this.deliveries.totals,
    };
  }
}

const inMaintenance = (untilMs: number | undefined, nowMs: number): RefusedRequest =>
  new RefusedRequest(
    responseCode.maintenance,
    "maintenance",
    untilMs === undefined
      ? {}
      : { retryAfterMs: untilMs - nowMs, fields: { maintenance_until: new Date(untilMs).toISOString() } },
  );
