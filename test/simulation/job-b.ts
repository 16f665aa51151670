import {
  count,
  type Delivery,
  defineJob,
  mapStore,
  type Schema,
  session,
  sum,
  TerminalError,
  tumbling,
  valueStore,
} from "mulgil";

export interface Event {
  readonly id: number;
  readonly key: string;
  readonly group: string;
  readonly amount: number;
  readonly at: number;
}

interface Profile {
  readonly version: number;
}

/** `value` null deletes the profile. */
export type Sent =
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "profile"; readonly key: string; readonly value: Profile | null; readonly at: number }
  | { readonly kind: "poison"; readonly key: string; readonly number: number; readonly at: number };

const record = <T>(name: string, fields: Readonly<Record<string, unknown>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});
const millis = { type: "long", logicalType: "timestamp-millis" };
const eventSchema = record<Event>("Event", {
  id: "long",
  key: "string",
  group: "string",
  amount: "long",
  at: millis,
});
const windowed = { windowStartMs: millis, windowEndMs: millis, count: "long", total: "long" };

export interface Windowed {
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly count: number;
  readonly total: number;
}

export interface Enriched {
  readonly id: number;
  readonly version: number | null;
}

/** State of a key: what it has seen, how often its timer was set, and has fired. */
export interface Tally {
  readonly seen: number;
  readonly inBuckets: number;
  readonly sets: number;
  readonly fired: number;
}

export const events = { name: "simb.events", value: eventSchema, key: "key", eventTime: "at" } as const;
export const profiles = {
  name: "simb.profiles",
  value: record<Profile>("Profile", { version: "long" }),
  keyType: "string",
} as const;
export const copies = { name: "simb.copies", value: eventSchema, key: "key" } as const;
export const enriched = {
  name: "simb.enriched",
  value: record<Enriched>("Enriched", { id: "long", version: ["null", "long"] }),
  keyType: "string",
} as const;
export const sessions = {
  name: "simb.sessions",
  value: record<Windowed>("Session", windowed),
  keyType: "string",
} as const;
export const closed = {
  name: "simb.closed",
  value: record<Windowed>("Closed", windowed),
  keyType: "string",
} as const;
export const late = { name: "simb.late", value: eventSchema, keyType: "string" } as const;
const tallySchema = record<Tally>("Tally", { seen: "long", inBuckets: "long", sets: "long", fired: "long" });
export const tallies = { name: "simb.tallies", value: tallySchema, keyType: "string" } as const;

export const GAP_MS = 6_000;
export const CLOSED_SIZE_MS = 20_000;
export const CLOSED_GRACE_MS = 10_000;
export const FIRE_AFTER_MS = 100;
const BUCKETS = 3;
const NO_TALLY: Tally = { seen: 0, inBuckets: 0, sets: 0, fired: 0 };
const countSchema: Schema<number> = { avro: "long" };

export const isUnlucky = ({ amount }: Event): boolean => amount === 13;

/** A join with a table, sessions that merge, windows that speak once when they close, a map store, timers on the wall, and dead letters. */
const jobOf = (delivery: Delivery) =>
  defineJob({
    name: "simb",
    version: 1,
    standbys: 1,
    delivery,
    commitEvery: "200 ms",
    flow(from) {
      const stream = from(events);
      stream.to(copies);
      stream
        .leftJoin("enrich", from.table("profiles", profiles), (event, profile) => {
          if (isUnlucky(event)) throw new TerminalError("13", { code: "UNLUCKY" });
          return { id: event.id, version: profile?.version ?? null };
        })
        .to(enriched);
      stream
        .process("tally", {
          stores: { tally: valueStore(tallySchema), buckets: mapStore("long", countSchema) },
          timers: { soon: "wall-time" },
          output: tallySchema,
          onRecord(event, { stores, timers, wallClockMs }) {
            const tally = stores.tally.get() ?? NO_TALLY;
            const bucket = event.amount % BUCKETS;
            stores.buckets.set(bucket, (stores.buckets.get(bucket) ?? 0) + 1);
            const isSet = timers.soon.atMs !== undefined;
            if (!isSet) timers.soon.set(wallClockMs + FIRE_AFTER_MS);
            stores.tally.set({ ...tally, seen: tally.seen + 1, sets: tally.sets + (isSet ? 0 : 1) });
          },
          onTimer(_timer, { stores, emit }) {
            const tally = stores.tally.get() ?? NO_TALLY;
            let inBuckets = 0;
            for (let bucket = 0; bucket < BUCKETS; bucket++) inBuckets += stores.buckets.get(bucket) ?? 0;
            const next = { ...tally, inBuckets, fired: tally.fired + 1 };
            stores.tally.set(next);
            emit(next);
          },
        })
        .to(tallies);
      const grouped = stream.keyBy((event) => event.group);
      const quantities = { count: count(), total: sum((event: Event) => event.amount) };
      grouped
        .window(session("6 seconds", { grace: "1 day" }))
        .aggregate("sessions", quantities, { emit: "every-change" })
        .to(sessions);
      const windows = grouped
        .window(tumbling("20 seconds", { grace: "10 seconds" }))
        .aggregate("closed", quantities, { emit: "on-close" });
      windows.to(closed);
      windows.late.to(late);
    },
  });

export const PARTITIONS = 2;

export const jobs = { "exactly-once": jobOf("exactly-once"), "at-least-once": jobOf("at-least-once") };
