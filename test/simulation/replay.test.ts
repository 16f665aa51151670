import { count, defineJob, type Schema, sum, topic } from "mulgil";
import { simulateJob } from "mulgil/testing";
import { expect, it } from "vitest";
import { replayTopicOf } from "../../runtime/plan/internal-topics.ts";

interface Event {
  readonly id: number;
  readonly key: string;
  readonly group: string;
}

const schema: Schema<Event> = {
  avro: {
    type: "record",
    name: "Event",
    fields: [
      { name: "id", type: "long" },
      { name: "key", type: "string" },
      { name: "group", type: "string" },
    ],
  },
};
const totalSchema: Schema<{ events: number; ids: number }> = {
  avro: {
    type: "record",
    name: "Total",
    fields: [
      { name: "events", type: "long" },
      { name: "ids", type: "long" },
    ],
  },
};
const events = topic("events", { value: schema, key: "key" });
const byKey = topic("by-key", { value: totalSchema, keyType: "string" });
const byGroup = topic("by-group", { value: totalSchema, keyType: "string" });

const totals = { events: count(), ids: sum((event: Event) => event.id) };
/** Totals by the topic's own key, and behind a repartition. */
const job = defineJob({
  ...{ name: "totals", version: 1, delivery: "exactly-once" },
  flow(from) {
    const source = from(events);
    source.aggregate("by-key", totals).to(byKey);
    source
      .keyBy(({ group }) => group)
      .aggregate("by-group", totals)
      .to(byGroup);
  },
});

const EVENTS = 40;
const SEEDS = 60;
const eventOf = (id: number): Event => ({ id, key: `k${id % 5}`, group: `g${id % 3}` });

function expected(nameOf: (event: Event) => string, ids: readonly number[]) {
  const groups = Map.groupBy(ids.map(eventOf), nameOf);
  return new Map(
    [...groups].map(([name, own]) => [name, { events: own.length, ids: own.reduce((all, { id }) => all + id, 0) }]),
  );
}

it("counts what is processed once more exactly once, whatever becomes of the workers", {
  timeout: 120_000,
}, async () => {
  const ids = Array.from({ length: EVENTS }, (_, id) => id);
  const replayed = ids.filter((id) => id % 4 !== 3);
  for (let seed = 0; seed < SEEDS; seed++) {
    await simulateJob(job, {
      seed,
      inputs: [
        { topic: events, values: ids.map(eventOf) },
        { topic: { ...events, name: replayTopicOf("totals", events.name) }, values: replayed.map(eventOf) },
      ],
      async check(outputs) {
        const last = async (sink: typeof byKey) =>
          new Map((await outputs.read(sink)).map(({ key, value }) => [key, value]));
        expect(await last(byKey)).toEqual(expected(({ key }) => key, [...ids, ...replayed]));
        expect(await last(byGroup)).toEqual(expected(({ group }) => group, [...ids, ...replayed]));
      },
    });
  }
});
