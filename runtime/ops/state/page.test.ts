import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decimal } from "../../../schemas/decimal.ts";
import { keySerde } from "../../../schemas/key-serde.ts";
import { MASKED } from "../../../schemas/masked-text.ts";
import type { Schema } from "../../../schemas/schema.ts";
import type { KeyCodec } from "../../../state/codec.ts";
import { windowKey } from "../../../state/key-layout.ts";
import { memoryDisk } from "../../../state/memory-disk.ts";
import type { KeyValueStore, Store, TimeIndexedStore, WindowStore } from "../../../state/store.ts";
import * as quantities from "../../dsl/aggregators.ts";
import { defineJob } from "../../dsl/define-job.ts";
import { mapStore, valueStore } from "../../dsl/process.ts";
import { topic } from "../../dsl/topic.ts";
import type { AggregateNode } from "../../dsl/topology.ts";
import { session, sliding, tumbling } from "../../dsl/windows.ts";
import { compileAccumulator } from "../../operators/accumulators.ts";
import { createEntryMask } from "../../operators/entry-mask.ts";
import { type EntryQuery, selectEntries } from "../../operators/entry-query.ts";
import { entryReader, type ShownEntry } from "../../operators/entry-reader.ts";
import { openPlannedStore } from "../../operators/open-store.ts";
import { compile } from "../../plan/compile.ts";
import { nodeOfLayout } from "../../plan/node-of-layout.ts";
import type { PlannedStore } from "../../plan/plan.ts";
import { readPage } from "./page.ts";

interface Payment {
  readonly amount: Decimal;
  readonly points: number;
  readonly shop: string;
}
const decimal = { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 };
const paymentSchema: Schema<Payment> = {
  avro: {
    type: "record",
    name: "Payment",
    fields: [
      { name: "amount", type: decimal },
      { name: "points", type: "long" },
      { name: "shop", type: "string" },
    ],
  },
};
const text: Schema<string> = { avro: "string" };
const payments = topic("payments", { value: paymentSchema, keyType: "string" });
const accounts = topic("accounts", { value: paymentSchema, keyType: "string" });
const numbered = topic("numbered", { value: paymentSchema, keyType: "long" });
const { count, sum, average, min, max, first, last, distinctCount, topN, collect, when, accumulate } = quantities;

const everyQuantity = {
  payments: count(),
  total: sum((p: Payment) => p.amount, { scale: 2 }),
  points: sum((p: Payment) => p.points),
  mean: average((p: Payment) => p.amount, { scale: 4 }),
  nested: { least: min((p: Payment) => p.points), most: max((p: Payment) => p.shop) },
  first: first((p: Payment) => p.shop, text),
  last: last((p: Payment) => p, paymentSchema),
  shops: distinctCount((p: Payment) => p.shop),
  best: topN((p: Payment) => p.shop, { limit: 2, by: (p) => p.points, schema: text }),
  some: collect((p: Payment) => p.amount, { limit: 2, schema: { avro: decimal } as Schema<Decimal> }),
  rich: when((p: Payment) => p.points > 5, { payments: count() }),
  own: accumulate({ initial: () => "", add: (all: string, p: Payment) => `${all}${p.shop}`, schema: text }),
};

const job = defineJob({
  name: "pages",
  version: 1,
  flow(from) {
    const all = from(payments);
    const counts = { payments: count() };
    all.aggregate("totals", everyQuantity);
    all.reduce("latest", (_before, payment) => payment);
    all.window(tumbling("10 ms", { grace: "1 hour" })).aggregate("windows", counts);
    all.window(session("10 ms", { grace: "1 hour" })).aggregate("sessions", counts);
    all.window(sliding("10 ms", { grace: "1 hour" })).aggregate("slides", counts);
    all.process("step", { stores: { map: mapStore("long", text), value: valueStore(text) }, onRecord() {} });
    from(numbered).aggregate("numbers", counts);
    from.table("table", accounts);
  },
});
const plan = compile(job);

function storeNamed(name: string) {
  const planned = plan.subTopologies.flatMap(({ stores }) => stores).find((store) => store.name === name)!;
  const node = job.topology.nodes.find(({ id }) => id === planned.node)!;
  const keyCodec = keySerde(name === "numbers" ? "long" : "string") as KeyCodec<unknown>;
  return { planned, node, keyCodec, remembered: { planned, node: nodeOfLayout(plan, planned), keyCodec } };
}
type Named = ReturnType<typeof storeNamed>;

const cellsOf = (node: Named["node"], seen: readonly Payment[]) => {
  const accumulator = compileAccumulator(node as AggregateNode);
  const cells = accumulator.create();
  for (const [at, payment] of seen.entries()) {
    accumulator.select(payment);
    accumulator.check(cells, 0, at);
    accumulator.apply(cells, 0, at);
  }
  return cells;
};
const payment = (points: number): Payment => ({
  amount: Decimal.of(`${points}.25`),
  points,
  shop: `shop-${points % 3}`,
});
const counted = (node: Named["node"], times: number) => cellsOf(node, Array(times).fill(payment(1)));

/** One thing that somebody put: a key, a window or an entry under it, and a number that comes back. */
interface Put {
  readonly key: string;
  readonly at: number;
  readonly number: number;
}
interface Kind {
  readonly store: string;
  /** What tells entries of one key apart. */
  readonly under?: "windowStartMs" | "entryKey";
  put(store: Store, named: Named, put: Put, all: readonly Put[]): void;
  numberOf(entry: ShownEntry): unknown;
}

const payloads = { numberOf: ({ value }: ShownEntry) => Number(value) };
const aggregates = { numberOf: ({ value }: ShownEntry) => (value as { payments: number }).payments };
const windowStart = ({ at }: Put) => at * 10;
const kinds: readonly Kind[] = [
  {
    ...{ store: "step.value", ...payloads },
    put: (store, _named, { key, number }) => (store as KeyValueStore<unknown, unknown>).put(key, String(number), 1),
  },
  {
    ...{ store: "step.map", under: "entryKey", ...payloads },
    put: (store, _named, { key, at, number }) =>
      (store as KeyValueStore<unknown, unknown>).put({ key, entry: at }, String(number), 1),
  },
  {
    ...{ store: "windows", under: "windowStartMs", ...aggregates },
    put: (store, { node }, put) =>
      (store as WindowStore<unknown, unknown>).put(windowStart(put), put.key, counted(node, put.number), 1),
  },
  {
    ...{ store: "sessions", under: "windowStartMs", ...aggregates },
    put: (store, { node }, put, all) => {
      const sessions = all
        .filter(({ key }) => key === put.key)
        .toSorted((left, right) => left.at - right.at)
        .map((each) => ({ startMs: windowStart(each), endMs: windowStart(each), cells: counted(node, each.number) }));
      (store as TimeIndexedStore<unknown, unknown>).put(put.key, { sessions }, 1, 100);
    },
  },
];

/** Keys of which some begin with others, or sort before what has the same start. */
const key = fc.constantFrom("a", "ab", "abc", "b", "ba", "é", "\u0000", "a\u00ff", "z");
const puts = fc.uniqueArray(
  fc.record({ key, at: fc.integer({ min: -3, max: 5 }), number: fc.integer({ min: 1, max: 9 }) }),
  {
    selector: ({ key: each, at }) => `${each}/${at}`,
    maxLength: 25,
  },
);
const bound = fc.option(fc.integer({ min: -4, max: 6 }), { nil: undefined });
const asked = fc.record({
  key: fc.option(key, { nil: undefined }),
  prefix: fc.option(fc.constantFrom("a", "ab", "b", "é", "y"), { nil: undefined }),
  from: bound,
  to: bound,
  entry: fc.option(fc.integer({ min: -3, max: 5 }), { nil: undefined }),
});

async function filled(kind: Kind, all: readonly Put[]) {
  const named = storeNamed(kind.store);
  const database = await memoryDisk().open("store");
  const store = await openPlannedStore({ ...named, database });
  const last = kind.under === undefined ? [...new Map(all.map((put) => [put.key, put])).values()] : all;
  for (const put of last) kind.put(store, named, put, last);
  store.seal();
  await store.applySealed({ nextOffset: 1, incarnation: "i", writtenAtMs: 0 });
  return { named, store, last, database };
}

async function allPages(store: Store, of: Named["remembered"], query: EntryQuery, entriesMax: number) {
  const entries: ShownEntry[] = [];
  let after: Buffer | undefined;
  do {
    const page = await readPage({
      ...{ committed: store.committed, isWindowed: of.planned.kind === "window", after, entriesMax },
      ...{ selection: selectEntries(of, query), read: entryReader(of) },
    });
    entries.push(...page.entries);
    after = page.next;
  } while (after !== undefined);
  return entries;
}

describe.each(kinds)("pages of $store", (kind) => {
  const { under } = kind;
  const isWindowed = under === "windowStartMs";

  it("hold what was asked for, each entry once, whatever the size of a page", () =>
    fc.assert(
      fc.asyncProperty(puts, asked, fc.integer({ min: 1, max: 4 }), async (all, ask, entriesMax) => {
        const { named, store, last: kept } = await filled(kind, all);
        const query: EntryQuery = {
          ...(ask.key === undefined ? ask.prefix !== undefined && { prefix: ask.prefix } : { key: ask.key }),
          ...(isWindowed && ask.from !== undefined && { fromWindowMs: ask.from * 10 }),
          ...(isWindowed && ask.to !== undefined && { toWindowMs: ask.to * 10 }),
          ...(under === "entryKey" && ask.key !== undefined && ask.entry !== undefined && { entryKey: `${ask.entry}` }),
        };
        const expected = kept.filter(
          (put) =>
            (query.key ?? put.key) === put.key &&
            put.key.startsWith(query.prefix ?? "") &&
            windowStart(put) >= (query.fromWindowMs ?? -Infinity) &&
            windowStart(put) < (query.toWindowMs ?? Infinity) &&
            Number(query.entryKey ?? put.at) === put.at,
        );
        const found = await allPages(store, named.remembered, query, entriesMax);
        const told = (key: unknown, at: unknown, number: unknown) => JSON.stringify([key, under && at, number]);
        expect(found.map((entry) => told(entry.key, under && entry[under], kind.numberOf(entry))).toSorted()).toEqual(
          expected.map((put) => told(put.key, isWindowed ? windowStart(put) : put.at, put.number)).toSorted(),
        );
      }),
    ));
});

describe("pages", () => {
  it("read nothing but the entry where the whole key is given", async () => {
    const { store, named } = await filled(kinds[2]!, [{ key: "a", at: 1, number: 2 }]);
    const committed = {
      getSync: (bytes: Buffer) => store.committed.getSync(bytes),
      iterate: () => {
        throw new Error("it searches");
      },
    };
    const selection = selectEntries(named, { key: "a", fromWindowMs: 10, toWindowMs: 11 });
    const read = entryReader(named);
    const page = await readPage({ committed, selection, read, isWindowed: true, after: undefined, entriesMax: 1 });
    expect(page.entries).toMatchObject([{ key: "a", windowStartMs: 10, value: { payments: 2 }, eventTimeMs: 1 }]);
  });

  it("end after some thousand entries that nobody wants, and go on from there", async () => {
    const all = Array.from({ length: 12_000 }, (_, at) => ({ key: `k${at}`, at: 0, number: 1 }));
    const { store, named } = await filled(kinds[0]!, all);
    const wanted = selectEntries(named, { prefix: "k" });
    const selection = { ...wanted, isWanted: () => false };
    let pages = 0;
    let after: Buffer | undefined;
    do {
      const read = entryReader(named);
      const page = await readPage({
        ...{ committed: store.committed, isWindowed: false, selection, read, after, entriesMax: 9 },
      });
      expect(page.entries).toEqual([]);
      after = page.next;
      pages++;
    } while (after !== undefined);
    expect(pages).toBe(3);
  });

  it("show neither expired windows nor what no commit has written", async () => {
    const { store, named, database } = await filled(kinds[2]!, [
      { key: "a", at: 0, number: 1 },
      { key: "a", at: 1, number: 2 },
    ]);
    const expired = windowKey(0, Buffer.from("a"));
    const value = database.getSync(expired)!;
    const windows = store as WindowStore<unknown, unknown>;
    windows.expireBefore(10);
    store.seal();
    await store.applySealed({ nextOffset: 2, incarnation: "i", writtenAtMs: 0 });
    // As between the commit that expires it and the removal, or after a restore.
    await database.write([{ key: expired, value }]);
    windows.put(20, "a", counted(named.node, 3), 1);
    expect((await allPages(store, named.remembered, {}, 10)).map(({ windowStartMs }) => windowStartMs)).toEqual([10]);
  });

  it("show an entry that cannot be read as bytes, and the others as ever", async () => {
    const { store, named } = await filled(kinds[0]!, [{ key: "a", at: 0, number: 1 }]);
    const read = entryReader(named);
    expect(read(Buffer.from("\u0001b"), Buffer.alloc(3))).toMatchObject([
      { key: { $bytes: "AWI=" }, value: { $bytes: "AAAA", $error: expect.any(String) } },
    ]);
    expect(await allPages(store, named.remembered, {}, 1)).toHaveLength(1);
  });

  it("show nothing of an entry that cannot be read where it may be personal", async () => {
    const { named } = await filled(kinds[0]!, [{ key: "a", at: 0, number: 1 }]);
    const hidden = { kind: "hidden", rule: "mask" } as const;
    const mask = createEntryMask({ key: { kind: "open" }, entryKey: { kind: "open" }, value: hidden });
    expect(entryReader(named, mask)(Buffer.from("\u0001b"), Buffer.alloc(3))).toEqual([
      {
        key: { $bytes: MASKED, $length: 2 },
        value: { $bytes: MASKED, $length: 3, $error: expect.any(String) },
        masked: ["key", "value"],
      },
    ]);
  });

  it("find keys whose last byte is the highest", () => {
    const { range, point } = selectEntries(storeNamed("numbers"), { key: "-1" });
    expect(point!.at(-1)).toBe(0xff);
    expect(range.gte!.compare(point!)).toBe(0);
    expect(range.lt!.compare(point!)).toBe(1);
  });

  it("refuse what the store cannot be asked", () => {
    const ask = (store: string, query: EntryQuery) => () => selectEntries(storeNamed(store), query);
    expect(ask("numbers", { prefix: "1" })).toThrow("its keys are no texts");
    expect(ask("numbers", { key: "one" })).toThrow('"one" is no long');
    expect(ask("totals", { fromWindowMs: 0 })).toThrow("it has no windows");
    expect(ask("totals", { key: "a", entryKey: "1" })).toThrow("it has one value a key");
    expect(ask("step.map", { entryKey: "1" })).toThrow("give the key, too");
  });
});

describe("a store read by the layout that the plan remembers", () => {
  const read = async (name: string, put: (store: Store, node: Named["node"]) => void) => {
    const named = storeNamed(name);
    const remembered = JSON.parse(JSON.stringify(plan)) as typeof plan;
    const planned = remembered.subTopologies.flatMap(({ stores }) => stores).find((each) => each.name === name)!;
    const store = await openPlannedStore({ ...named, database: await memoryDisk().open("store") });
    put(store, named.node);
    const [entry] = store.seal();
    const both = [named, { ...named, planned: planned as PlannedStore, node: nodeOfLayout(remembered, planned) }];
    return both.map((of) => entryReader(of)(entry!.key, entry!.value!));
  };
  const put = (value: (node: Named["node"]) => unknown) => (store: Store, node: Named["node"]) =>
    (store as KeyValueStore<unknown, unknown>).put("a", value(node), 5);
  const seen = [payment(7), payment(3), payment(9)];

  it("shows every quantity as the job itself does", async () => {
    const [own, remembered] = await read(
      "totals",
      put((node) => cellsOf(node, seen)),
    );
    expect(remembered).toEqual(own);
    expect(own).toMatchObject([
      {
        key: "a",
        value: {
          ...{ payments: 3, total: "19.75", points: 19, mean: "6.5833", first: "shop-1", shops: 2 },
          ...{ nested: { least: 3, most: "shop-1" }, last: { amount: "9.25", points: 9 }, best: ["shop-0", "shop-1"] },
          ...{ some: ["7.25", "3.25"], rich: { payments: 2 }, own: "shop-1shop-0shop-0" },
        },
        eventTimeMs: 5,
      },
    ]);
  });

  it.each([
    ["latest", put((node) => cellsOf(node, seen))],
    ["step.value", put(() => "text")],
    ["table", put(() => payment(3))],
    ["step.map", (store: Store) => (store as KeyValueStore<unknown, unknown>).put({ key: "a", entry: 3 }, "text", 1)],
    [
      "windows",
      (store: Store, node: Named["node"]) => (store as WindowStore<unknown, unknown>).put(10, "a", counted(node, 2), 1),
    ],
    [
      "slides",
      (store: Store, node: Named["node"]) =>
        (store as TimeIndexedStore<unknown, unknown>).put(
          "a",
          { windows: [{ startMs: 3, cells: counted(node, 2), isPending: true }] },
          ...([1, 100] as const),
        ),
    ],
  ])("shows %s as the job itself does", async (name, fill) => {
    const [own, remembered] = await read(name, fill);
    expect(own).toHaveLength(1);
    expect(own![0]!.value).toBeDefined();
    expect(own![0]!.value).not.toHaveProperty("$error");
    expect(remembered).toEqual(own);
  });
});
