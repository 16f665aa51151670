import { defineJob } from "mulgil";
import { collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { consents } from "../../schemas/types/mydata/consent.ts";
import { consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { profiles } from "../../schemas/types/mydata/profile.ts";
import { type ProfileInput, profileStep } from "./profile-step.ts";

/** A table per customer: which institutions are complete, since when, what is outstanding, and how fresh it is. */
export default defineJob({
  name: "profile",
  version: 1,
  commitEvery: "200 ms",
  flow(from) {
    from(collectionRequests)
      .map((request): ProfileInput => ({ kind: "request", request }))
      .merge(
        from(completions).map((completion): ProfileInput => ({ kind: "completion", completion })),
        from(consents).map((consent): ProfileInput => ({ kind: "consent", consent })),
        from(consentEvents).map((refusal): ProfileInput => ({ kind: "refusal", refusal })),
        from(erasures).map((erasure): ProfileInput => ({ kind: "erasure", erasure })),
      )
      .process("profile", profileStep)
      .to(profiles);
  },
});
