import { type Consent, consents } from "../../schemas/types/mydata/consent.ts";
import { type Profile, profiles } from "../../schemas/types/mydata/profile.ts";
import { number } from "../run/progress.ts";
import { type Check, problemOf } from "./check.ts";
import { type LogAndRegistry, topicValues } from "./topic-values.ts";

type KnownConsent = Pick<Consent, "grants">;
type KnownProfile = Pick<Profile, "institutions" | "outstanding">;

/** The latest of every customer; null: he is forgotten. */
export interface ProfileFacts {
  readonly consents: ReadonlyMap<string, KnownConsent | null>;
  readonly profiles: ReadonlyMap<string, KnownProfile | null>;
}

export async function readProfileFacts(log: LogAndRegistry): Promise<ProfileFacts> {
  const facts = { consents: new Map<string, KnownConsent | null>(), profiles: new Map<string, KnownProfile | null>() };
  for await (const all of topicValues(log, { topic: consents, fields: ["grants"] }))
    for (const { key, value } of all) facts.consents.set(key, value);
  for await (const all of topicValues(log, { topic: profiles, fields: ["institutions", "outstanding"] }))
    for (const { key, value } of all) facts.profiles.set(key, value);
  return facts;
}

/** Every profile is complete for the institutions that its customer consents to, and for no other; who left has none. */
export function checkProfiles({ consents, profiles }: ProfileFacts, left: ReadonlySet<string>): Check {
  const staying = [...consents].flatMap(([customer, consent]) => (consent === null ? [] : [{ customer, consent }]));
  const incomplete = staying.filter(({ customer, consent }) => !isComplete(profiles.get(customer) ?? null, consent));
  const remembered = [...left].filter(
    (customer) => (consents.get(customer) ?? null) !== null || (profiles.get(customer) ?? null) !== null,
  );
  const institutions = staying.reduce((sum, { consent }) => sum + consent.grants.length, 0);
  return {
    what: "profiles",
    found: `${number(staying.length - incomplete.length)} of ${number(staying.length)} complete, for ${number(institutions)} consents; ${left.size - remembered.length} of ${left.size} who left forgotten`,
    problems: [
      ...problemOf(
        "profiles are not complete",
        incomplete.map(({ customer }) => customer),
      ),
      ...problemOf("customers who left are not forgotten", remembered),
      ...problemOf(
        "customers who did not leave are forgotten",
        [...consents].flatMap(([customer, consent]) => (consent === null && !left.has(customer) ? [customer] : [])),
      ),
    ],
  };
}

function isComplete(profile: KnownProfile | null, { grants }: KnownConsent): boolean {
  // Who has withdrawn from all has nothing that a profile could tell.
  if (profile === null) return grants.length === 0;
  if (profile.outstanding !== 0) return false;
  const complete = profile.institutions.filter((one) => one.complete).map(({ institution }) => institution);
  const consented = grants.map(({ institution }) => institution);
  return (
    profile.institutions.length === consented.length && consented.every((institution) => complete.includes(institution))
  );
}
