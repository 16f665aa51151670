import { type ProcessContext, type ProcessOptions, valueStore } from "mulgil";
import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Completion } from "../../schemas/types/mydata/completion.ts";
import type { Consent } from "../../schemas/types/mydata/consent.ts";
import type { ConsentEvent } from "../../schemas/types/mydata/consent-event.ts";
import type { Erasure } from "../../schemas/types/mydata/erasure.ts";
import { erasureMemory } from "../../schemas/types/mydata/erasure-memory.ts";
import { type Profile, profile } from "../../schemas/types/mydata/profile.ts";
import { profileState } from "../../schemas/types/mydata/profile-state.ts";
import { CustomerProfile } from "./customer-profile.ts";
import { clickedUntil, erasedUntil, isOutdatedConsent, noErasures, rememberErasure } from "./erasure-memory.ts";
import { profileOf } from "./profile-of.ts";

export type ProfileInput =
  | { readonly kind: "request"; readonly request: CollectionRequest }
  | { readonly kind: "completion"; readonly completion: Completion }
  | { readonly kind: "consent"; readonly consent: Consent }
  | { readonly kind: "refusal"; readonly refusal: ConsentEvent }
  | { readonly kind: "erasure"; readonly erasure: Erasure };

const stores = { erasures: valueStore(erasureMemory), state: valueStore(profileState) };
type Context = ProcessContext<string, typeof stores, "publish", Profile>;

/** A click leads to many requests, and many ends of requests: they are one change of the profile. */
const PUBLISH_AFTER_MS = 500;

/** Keeps what is known about the collections of a customer. */
export const profileStep: ProcessOptions<string, ProfileInput, typeof stores, "publish", Profile, undefined> = {
  stores,
  timers: { publish: "wall-time" },
  output: profile,
  onRecord(input, context) {
    const { stores, timers, emitTombstone, wallClockMs } = context;
    const before = stores.state.get();
    const customer = new CustomerProfile(before);
    take(customer, input, context);
    if (!customer.isEmpty) {
      stores.state.set(customer.state);
      if (timers.publish.atMs === undefined) timers.publish.set(wallClockMs + PUBLISH_AFTER_MS);
    } else if (before !== undefined) {
      stores.state.delete();
      timers.publish.cancel();
      emitTombstone({ timestampMs: wallClockMs });
    }
  },
  onTimer(_timer, { key, stores, wallClockMs, emit }) {
    const state = new CustomerProfile(stores.state.get()).state;
    emit(profileOf(key, state, wallClockMs), { timestampMs: wallClockMs });
  },
};

function take(customer: CustomerProfile, input: ProfileInput, { stores }: Context): void {
  const memory = stores.erasures.get() ?? noErasures;
  const isForgotten = ({ institution, requestedAt }: { institution: string; requestedAt: number }) =>
    requestedAt <= erasedUntil(memory, institution);
  switch (input.kind) {
    case "request":
      if (input.request.kind === "collect" && !isForgotten(input.request)) customer.request(input.request);
      break;
    case "completion":
      if (!isForgotten(input.completion)) customer.complete(input.completion);
      break;
    case "refusal":
      if (!isForgotten(input.refusal)) customer.refuse(input.refusal);
      break;
    case "consent":
      if (customer.isEmpty && isOutdatedConsent(memory, input.consent)) break;
      customer.consent(input.consent, ({ institution, grantedAt }) => grantedAt > clickedUntil(memory, institution));
      break;
    case "erasure": {
      const next = rememberErasure(memory, input.erasure);
      stores.erasures.set(next);
      customer.erase(next);
    }
  }
}
