import { collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { type Profile, profiles } from "../../schemas/types/mydata/profile.ts";
import { type LogAndRegistry, topicValues } from "./topic-values.ts";

/** How far the collection is, as the topics say it. */
export class Progress {
  requested = 0;
  ended = 0;
  erasures = 0;
  /** Customers with a profile, by whether all of it is there. */
  readonly #profiles = new Map<string, boolean>();
  #complete = 0;

  get complete(): number {
    return this.#complete;
  }

  get profiles(): number {
    return this.#profiles.size;
  }

  /** Follows the topics until the signal. Rejects if the log cannot be read. */
  async follow(log: LogAndRegistry, signal: AbortSignal): Promise<void> {
    const follow = true;
    await Promise.all([
      (async () => {
        for await (const all of topicValues(log, { topic: collectionRequests, fields: ["kind"], follow, signal })) {
          const erasures = all.filter(({ value }) => value?.kind === "erase").length;
          this.erasures += erasures;
          this.requested += all.length - erasures;
        }
      })(),
      (async () => {
        for await (const all of topicValues(log, { topic: completions, fields: ["outcome"], follow, signal }))
          this.ended += all.length;
      })(),
      (async () => {
        const fields = ["institutions", "completeInstitutions", "outstanding"] as const;
        for await (const all of topicValues(log, { topic: profiles, fields, follow, signal }))
          for (const { key, value } of all) this.#take(key, value);
      })(),
    ]);
  }

  #take(customer: string, profile: Pick<Profile, "institutions" | "completeInstitutions" | "outstanding"> | null) {
    if (this.#profiles.get(customer)) this.#complete--;
    this.#profiles.delete(customer);
    if (profile === null) return;
    const { institutions, completeInstitutions, outstanding } = profile;
    const isComplete = outstanding === 0 && institutions.length > 0 && completeInstitutions === institutions.length;
    this.#profiles.set(customer, isComplete);
    if (isComplete) this.#complete++;
  }
}
