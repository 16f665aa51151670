import { describe, expect, it } from "vitest";
import type { AvroJson, Schema } from "../../schemas/schema.ts";
import { count, last } from "../dsl/aggregators.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { done } from "../dsl/outcome.ts";
import { mapStore, valueStore } from "../dsl/process.ts";
import { topic } from "../dsl/topic.ts";
import { session, tumbling } from "../dsl/windows.ts";
import { compile } from "../plan/compile.ts";
import { nodeOfLayout } from "../plan/node-of-layout.ts";
import type { TopicSchemas } from "../plan/personal-data.ts";
import type { Plan } from "../plan/plan.ts";
import { entrySecrets, type KnownSchemas } from "./entry-secrets.ts";

interface Visit {
  readonly person: string;
  readonly shop: string;
  readonly note: string;
}

type Tags = Readonly<Partial<Record<keyof Visit, "mask" | "hash" | "drop">>>;

const visitSchema = (tags: Tags, name = "Visit") =>
  ({
    avro: {
      ...{ type: "record", name },
      fields: (["person", "shop", "note"] as const).map((field) => ({
        ...{ name: field, type: "string" },
        ...(tags[field] && { pii: tags[field] }),
      })),
    },
  }) as Schema<Visit>;

const visits = (tags: Tags) => topic("visits", { value: visitSchema(tags), key: "person" });
const text = { avro: "string" } as Schema<string>;

const UNTAGGED: Tags = {};
const TAGGED: Tags = { person: "hash" };
const OTHER: Tags = { note: "mask" };

const NOBODY: KnownSchemas = { ofTopic: () => ({ values: [], keys: [] }), ofRecord: () => [] };

const planOf = (flow: JobDefinition["flow"]): Plan => compile(defineJob({ name: "shop", version: 1, flow }));

/** As text: "key hash, entryKey open, value fields". */
function secretsOf(plan: Plan, store: string, known: KnownSchemas = NOBODY): string {
  const planned = plan.subTopologies.flatMap(({ stores }) => stores).find(({ name }) => name === store)!;
  const secrets = entrySecrets({ plan, planned, node: nodeOfLayout(plan, planned) }, known);
  return Object.entries(secrets)
    .map(([part, each]) => `${part} ${each.kind === "hidden" ? each.rule : each.kind}`)
    .join(", ");
}

const everyStore =
  (tags: Tags, key: "kept" | "field" | "function" | "mapped"): JobDefinition["flow"] =>
  (from) => {
    const source = from(visits(tags));
    const keyed = {
      kept: () => source,
      field: () => source.keyBy((visit) => visit.shop),
      function: () => source.keyBy((visit) => visit.shop.toLowerCase()),
      mapped: () => source.map((visit) => visit, visitSchema({}, "Mapped")).keyBy((visit) => visit.shop),
    }[key]();
    const schema = visitSchema({ note: "drop" }, "Kept");
    keyed.aggregate("latest", { note: last((visit) => visit.note, text) });
    keyed.window(tumbling("1 hour", { grace: "none" })).aggregate("hourly", { visits: count() });
    keyed.window(session("1 hour", { grace: "none" })).aggregate("sittings", { visits: count() });
    keyed.reduce("reduced", (_before, visit) => visit);
    keyed.aggregate("own", {
      initial: () => ({ person: "", shop: "", note: "" }),
      add: (_all, visit) => visit,
      schema,
    });
    keyed.process("steps", {
      stores: { record: valueStore(schema), text: valueStore(text), map: mapStore("string", schema) },
      timers: { wake: "stream-time" },
      onRecord() {},
      onTimer() {},
    });
    keyed.call("ask", {
      resource: () => "bank",
      orderKey: (visit) => visit.person,
      erasure: { subject: (visit) => visit.person, isOrder: () => false },
      handler: async (visit) => done(visit),
    });
  };

const STORES = [
  ...["latest", "hourly", "sittings", "reduced", "own", "steps.record", "steps.text", "steps.map"],
  ...["steps.timers.stream", "ask.inputs", "ask.keys", "ask.held", "ask.erased"],
];

describe("what is hidden of the entries of a store", () => {
  const derived = (key: string, rule: string) => ({
    latest: `key ${key}, entryKey open, value ${rule}`,
    hourly: `key ${key}, entryKey open, value ${rule}`,
    sittings: `key ${key}, entryKey open, value ${rule}`,
    own: `key ${key}, entryKey open, value fields`,
    "steps.record": `key ${key}, entryKey open, value fields`,
    "steps.text": `key ${key}, entryKey open, value ${rule}`,
    "steps.map": `key ${key}, entryKey ${rule}, value fields`,
    "steps.timers.stream": `key ${key}, entryKey open, value ${rule}`,
    "ask.inputs": "key open, entryKey open, value open",
    "ask.keys": `key ${rule}, entryKey open, value ${rule}`,
    "ask.held": `key ${rule}, entryKey open, value ${rule}`,
    "ask.erased": `key ${rule}, entryKey open, value ${rule}`,
  });

  it.each([
    [
      "nothing tagged, key kept",
      UNTAGGED,
      "kept",
      { ...derived("open", "open"), reduced: "key open, entryKey open, value open" },
    ],
    [
      "nothing tagged, key by a function",
      UNTAGGED,
      "function",
      { ...derived("open", "open"), reduced: "key open, entryKey open, value open" },
    ],
    [
      "the key tagged, and kept",
      TAGGED,
      "kept",
      { ...derived("hash", "hash"), reduced: "key hash, entryKey open, value fields" },
    ],
    [
      "the key tagged, another field the key",
      TAGGED,
      "field",
      { ...derived("open", "hash"), reduced: "key open, entryKey open, value fields" },
    ],
    [
      "the key tagged, the new key by a function",
      TAGGED,
      "function",
      { ...derived("hash", "hash"), reduced: "key hash, entryKey open, value fields" },
    ],
    [
      "the key tagged, a field of what a function made",
      TAGGED,
      "mapped",
      { ...derived("hash", "hash"), reduced: "key hash, entryKey open, value open" },
    ],
    [
      "another field tagged, key kept",
      OTHER,
      "kept",
      { ...derived("open", "mask"), reduced: "key open, entryKey open, value fields" },
    ],
    [
      "the new key tagged",
      { shop: "drop" },
      "field",
      { ...derived("drop", "drop"), reduced: "key drop, entryKey open, value fields" },
    ],
    [
      "several rules, the new key by a function",
      { ...TAGGED, ...OTHER },
      "function",
      { ...derived("mask", "mask"), reduced: "key mask, entryKey open, value fields" },
    ],
  ] as const)("with %s", (_what, tags, key, expected) => {
    const plan = planOf(everyStore(tags, key));
    expect(Object.fromEntries(STORES.map((store) => [store, secretsOf(plan, store)]))).toEqual(expected);
  });

  it.each([
    ["nothing tagged", topic("shops", { value: visitSchema({}), key: "shop" }), "key open, entryKey open, value open"],
    [
      "the key",
      topic("shops", { value: visitSchema({ shop: "hash" }), key: "shop" }),
      "key hash, entryKey open, value fields",
    ],
    [
      "another field",
      topic("shops", { value: visitSchema({ note: "mask" }), key: "shop" }),
      "key open, entryKey open, value fields",
    ],
    [
      "a field, and the key is none",
      topic("shops", { value: visitSchema({ note: "mask" }), keyType: "string" }),
      "key open, entryKey open, value fields",
    ],
    [
      "a field, and keys are bytes",
      topic("shops", { value: visitSchema({ note: "mask" }), keyType: "bytes" }),
      "key mask, entryKey open, value fields",
    ],
    [
      "a field of the key",
      topic("shops", { value: visitSchema({}), keyType: visitSchema({ person: "drop" }, "Whose") }),
      "key fields, entryKey open, value open",
    ],
  ] as const)("of a table with %s tagged", (_what, shops, expected) => {
    const plan = planOf((from) => {
      from.table("shops", shops as never);
    });
    expect(secretsOf(plan, "shops")).toBe(expected);
  });

  it("takes the length of a field for no field", () => {
    const plan = planOf((from) => {
      from(visits(OTHER))
        .keyBy((visit) => visit.shop.length, "int")
        .aggregate("lengths", { visits: count() });
    });
    expect(secretsOf(plan, "lengths")).toBe("key mask, entryKey open, value mask");
  });

  it("counts what a table brings in, and streams that are merged", () => {
    const shops = topic("shops", { value: visitSchema({ note: "mask" }), key: "person" });
    const plan = planOf((from) => {
      const table = from.table("shops", shops);
      const alone = from(visits({}));
      const joined = alone.join("joined", table, (visit) => visit);
      joined.aggregate("behind", { visits: count() });
      alone
        .merge(from(topic("more", { value: visitSchema(TAGGED), key: "person" })))
        .aggregate("both", { visits: count() });
      alone.aggregate("alone", { visits: count() });
    });
    expect(secretsOf(plan, "behind")).toBe("key open, entryKey open, value mask");
    expect(secretsOf(plan, "both")).toBe("key hash, entryKey open, value hash");
    expect(secretsOf(plan, "alone")).toBe("key open, entryKey open, value open");
  });

  it("counts what a call has returned, if its schema says so", () => {
    const plan = planOf((from) => {
      const called = from(visits({})).call("ask", {
        ...{ resource: () => "bank", output: visitSchema({ person: "mask" }, "Answer") },
        handler: async (visit) => done(visit),
      });
      called.aggregate("answers", { visits: count() });
    });
    expect(secretsOf(plan, "answers")).toBe("key open, entryKey open, value mask");
  });

  it("knows the records that come late as those of the source", () => {
    const plan = planOf((from) => {
      const { late } = from(visits(OTHER))
        .window(tumbling("1 hour", { grace: "none" }))
        .aggregate("hourly", { visits: count() });
      late.keyBy((visit) => visit.shop).aggregate("late", { visits: count() });
    });
    expect(secretsOf(plan, "late")).toBe("key open, entryKey open, value mask");
  });

  const known = (schema: AvroJson | undefined): KnownSchemas => ({
    ...NOBODY,
    ofTopic: (): TopicSchemas => ({ values: schema === undefined ? [] : [schema], keys: [] }),
  });

  it("hides what the newest schema of a topic tags, also if the definition does not", () => {
    const plan = planOf(everyStore(UNTAGGED, "kept"));
    const tagged = known(visitSchema(TAGGED).avro);
    expect(secretsOf(plan, "latest", tagged)).toBe("key hash, entryKey open, value hash");
    expect(secretsOf(plan, "reduced", tagged)).toBe("key hash, entryKey open, value fields");
    const elsewhere = { ...NOBODY, ofRecord: (name: string) => (name === "Kept" ? [visitSchema(TAGGED).avro] : []) };
    expect(secretsOf(planOf(everyStore(UNTAGGED, "function")), "steps.record", elsewhere)).toBe(
      "key open, entryKey open, value fields",
    );
  });

  it("hides everything where nobody can be asked", () => {
    const plan = planOf(everyStore(UNTAGGED, "kept"));
    const silent = { ...NOBODY, ofTopic: () => undefined };
    for (const store of STORES.filter((each) => each !== "ask.inputs")) {
      expect(secretsOf(plan, store, silent)).toMatch(/^key mask, entryKey (open|mask), value mask$/);
    }
  });

  it("of a plan of an earlier version hides what comes from tagged sources, or from sources that nobody knows", () => {
    const { personal: _, ...former } = planOf(everyStore(TAGGED, "kept"));
    expect(secretsOf(former, "latest", known(visitSchema(UNTAGGED).avro))).toBe("key open, entryKey open, value open");
    for (const store of ["latest", "steps.record", "reduced"]) {
      expect(secretsOf(former, store, known(visitSchema(TAGGED).avro))).toBe("key hash, entryKey open, value hash");
      expect(secretsOf(former, store)).toBe("key mask, entryKey open, value mask");
    }
    const { personal: _none, ...table } = planOf((from) => {
      from.table("people", visits(TAGGED));
    });
    expect(secretsOf(table, "people")).toBe("key mask, entryKey open, value mask");
  });
});

describe("a tag in a schema", () => {
  it("makes no plan another one", () => {
    const [before, after] = [planOf(everyStore(UNTAGGED, "kept")), planOf(everyStore(TAGGED, "kept"))];
    expect(after.hash).toBe(before.hash);
    expect(after.subTopologies).toEqual(before.subTopologies);
    expect(after.personal).not.toEqual(before.personal);
  });
});
