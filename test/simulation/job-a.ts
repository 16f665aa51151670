import { count, defineJob, max, type Schema, sum, tumbling, valueStore } from "mulgil";

export interface SimEvent {
  readonly id: number;
  readonly key: string;
  readonly group: string;
  readonly amount: number;
  readonly at: number;
}

const record = <T>(name: string, fields: Readonly<Record<string, unknown>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});

const millis = { type: "long", logicalType: "timestamp-millis" };
export const simEvent = record<SimEvent>("SimEvent", {
  id: "long",
  key: "string",
  group: "string",
  amount: "long",
  at: millis,
});

export interface GroupSum {
  readonly windowStartMs: number;
  readonly count: number;
  readonly total: number;
  readonly largest: number | null;
}

export interface Reminder {
  readonly key: string;
  readonly seen: number;
  readonly dueMs: number;
}

export const events = { name: "sim.events", value: simEvent, key: "key", eventTime: "at" } as const;
export const copies = { name: "sim.copies", value: simEvent, key: "key" } as const;
export const sums = {
  name: "sim.sums",
  value: record<GroupSum>("GroupSum", {
    windowStartMs: millis,
    count: "long",
    total: "long",
    largest: ["null", "long"],
  }),
  keyType: "string",
} as const;
export const reminders = {
  name: "sim.reminders",
  value: record<Reminder>("Reminder", { key: "string", seen: "long", dueMs: millis }),
  keyType: "string",
} as const;

export const EVENT_PARTITIONS = 2;
export const WINDOW_MS = 60_000;
const REMIND_AFTER_MS = 20_000;
const seenSchema: Schema<number> = { avro: "long" };

/** A copy of every record, a windowed aggregate behind a repartition, and a process step with state and timers. */
export const simulatedJob = defineJob({
  name: "sim",
  version: 1,
  standbys: 1,
  commitEvery: "200 ms",
  flow(from) {
    const stream = from(events);
    stream.to(copies);
    stream
      .keyBy((event) => event.group)
      .window(tumbling("1 minute", { grace: "1 day" }))
      .aggregate("sums", { count: count(), total: sum((event) => event.amount), largest: max((event) => event.amount) })
      .to(sums);
    stream
      .process("remind", {
        stores: { seen: valueStore(seenSchema) },
        timers: { due: "stream-time" },
        output: reminders.value,
        onRecord(event, context) {
          context.stores.seen.set((context.stores.seen.get() ?? 0) + 1);
          context.timers.due.set(event.at + REMIND_AFTER_MS);
        },
        onTimer({ atMs }, context) {
          context.emit({ key: context.key, seen: context.stores.seen.get() ?? 0, dueMs: atMs });
        },
      })
      .to(reminders);
  },
});
