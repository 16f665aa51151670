import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import type { ReadCircuitPolicy } from "./read-policy.ts";
import type { JudgedCounts } from "./resource-report.ts";

/** opossum's breaker, called with the work that it is to let through. */
export type OpossumBreaker = CircuitBreaker<[work: Work], unknown>;
type Work = () => Promise<unknown>;

/** opossum compares with ">"; a policy says from where on. */
const FROM_ON = 1e-9;

export interface BreakerOptions {
  readonly policy: ReadCircuitPolicy;
  /** "halfOpen": it lets one work through, which closes or opens it. */
  readonly state: "closed" | "halfOpen";
  /** What it judges by at each failure. */
  readonly judged: () => JudgedCounts;
  readonly onOpen: () => void;
  readonly onClose: () => void;
}

/**
 * An opossum breaker without any clock of its own: no time-out, no rotating statistics (it asks for ours), no timer that ends the open state. Whoever has it
 * replaces it by a half-open one when it is time. It rejects with what the work rejects with.
 */
export function makeBreaker({ policy, state, judged, onOpen, onClose }: BreakerOptions): OpossumBreaker {
  const isClosed = state === "closed";
  const options: CircuitBreaker.Options<[work: Work]> & { readonly state: object } = {
    name: "circuit",
    timeout: false,
    volumeThreshold: policy.callsMin,
    errorThresholdPercentage: policy.errorRate * 100 - FROM_ON,
    status: statisticsFrom(judged),
    state: { closed: isClosed, halfOpen: !isClosed },
  };
  const breaker: OpossumBreaker = new CircuitBreaker((work: Work) => work(), options);
  // Its own listener sets a timer on the machine's clock.
  breaker.removeAllListeners("open");
  breaker.on("open", onOpen);
  breaker.on("close", onClose);
  return breaker;
}

/** opossum's statistics, except that the counts are ours, and nothing is collected: it would keep every latency. */
function statisticsFrom(judged: () => JudgedCounts): CircuitBreaker.Status {
  // With a controller and without snapshots it sets no interval.
  const status = CircuitBreaker.newStatus({ rotateBucketController: new EventEmitter(), enableSnapshots: false });
  return Object.defineProperties(status, {
    increment: { value: () => undefined },
    stats: {
      get() {
        const { calls, failures } = judged();
        return { fires: calls, failures };
      },
    },
  });
}
