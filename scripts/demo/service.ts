import { resources } from "../../jobs/mydata/resources.ts";
import type { LogAccess } from "../../runtime/log/port.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { type Consent, consents, type Grant } from "../../schemas/types/mydata/consent.ts";
import { type UserEvent, userEvents } from "../../schemas/types/mydata/user-event.ts";
import type { Visit } from "./generate-visits.ts";
import { openTopicWriter, type TopicWriter } from "./topic-writer.ts";

const YEAR_MS = 365 * 86_400_000;
const TICK_MS = 100;

/** The service in front of the customers: it keeps their consents, and tells what they click. */
export class Service {
  readonly #clock: Clock;
  readonly #consents: TopicWriter<Consent>;
  readonly #events: TopicWriter<UserEvent>;
  readonly #grants = new Map<string, readonly Grant[]>();
  #clicks = 0;

  private constructor(clock: Clock, consents: TopicWriter<Consent>, events: TopicWriter<UserEvent>) {
    this.#clock = clock;
    this.#consents = consents;
    this.#events = events;
  }

  static async open(log: LogAccess, registry: SchemaRegistry, clock: Clock): Promise<Service> {
    const events = await openTopicWriter<UserEvent>({ log, registry, topic: userEvents, cleanupPolicy: "delete" });
    return new Service(
      clock,
      await openTopicWriter<Consent>({ log, registry, topic: consents, cleanupPolicy: "compact" }),
      events,
    );
  }

  /** Plays the visits at their times, counted from `startMs`. `onVisits` hears of what has been written. */
  async play(visits: readonly Visit[], startMs: number, onVisits: (visits: readonly Visit[]) => void): Promise<void> {
    for (let next = 0; next < visits.length; await this.#clock.sleep(TICK_MS)) {
      const untilMs = this.#clock.now() - startMs;
      const end = visits.findIndex(({ atMs }, index) => index >= next && atMs > untilMs);
      const due = visits.slice(next, end === -1 ? visits.length : end);
      next += due.length;
      if (due.length === 0) continue;
      await this.#write(due);
      onVisits(due);
    }
  }

  async #write(visits: readonly Visit[]): Promise<void> {
    const nowMs = this.#clock.now();
    const events = visits.flatMap((visit) => {
      const event = this.#eventOf(visit, nowMs);
      return visit.isRepeated ? [event, event] : [event];
    });
    await this.#consents.write(
      visits.flatMap((visit) => this.#consentOf(visit, nowMs)),
      nowMs,
    );
    await this.#events.write(events, nowMs);
  }

  #eventOf({ customerId, page, action, institutions }: Visit, occurredAt: number): UserEvent {
    return { eventId: `click-${++this.#clicks}`, customerId, page, action, institutions, occurredAt };
  }

  #consentOf({ customerId, consentsTo }: Visit, nowMs: number): readonly Consent[] {
    if (consentsTo === undefined) return [];
    const before = new Map(this.#grants.get(customerId)?.map((grant) => [grant.institution, grant]));
    const grants = consentsTo.map((institution) => before.get(institution) ?? grantOf(institution, customerId, nowMs));
    this.#grants.set(customerId, grants);
    return [{ customerId, grants, changedAt: nowMs }];
  }
}

const grantOf = (institution: string, customerId: string, nowMs: number): Grant => ({
  institution,
  resources: resources.flatMap(({ industry, name }) => (institution.startsWith(`${industry}-`) ? [name] : [])),
  authorizationCode: customerId,
  grantedAt: nowMs,
  expiresAt: nowMs + YEAR_MS,
});
