import { describe, expect, test } from "vitest";
import { count } from "../dsl/aggregators.ts";
import { mapStore, valueStore } from "../dsl/process.ts";
import { hopping } from "../dsl/windows.ts";
import { amounts, longSchema, names, OperatorHarness, out, show, textSchema } from "./test-support.ts";

const tagged = (tag: string) => ({ amount: 0, tag });

describe("state", () => {
  const ledger = () =>
    OperatorHarness.open((from) => {
      from(amounts)
        .process("ledger", {
          stores: { total: valueStore(longSchema), byTag: mapStore("string", longSchema) },
          timers: { later: "stream-time" },
          output: textSchema,
          onRecord({ amount, tag }, { stores, timers, emit }) {
            stores.total.set((stores.total.get() ?? 0) + amount);
            stores.byTag.set(tag, (stores.byTag.get(tag) ?? 0) + amount);
            timers.later.set(1_000);
            emit(`${stores.total.get()} ${tag} ${stores.byTag.get(tag)}`);
            if (amount < 0) throw new Error("negative");
          },
          onTimer: (_timer, { stores, emit }) => emit(`closing ${stores.total.get()}`),
        })
        .to(out);
    });

  test("is kept per key, and per key and entry", async () => {
    const harness = await ledger();
    for (const [key, amount, tag] of [
      ["a", 1, "x"],
      ["a", 2, "y"],
      ["b", 4, "x"],
      ["a", 8, "x"],
    ] as const) {
      await harness.pipe("amounts", key, { amount, tag }, 1);
    }
    expect(harness.outputs.map(({ value }) => value)).toEqual(["1 x 1", "3 y 2", "4 x 4", "11 x 9"]);
  });

  test("a call that throws has written, set and sent nothing", async () => {
    const harness = await ledger();
    await harness.pipe("amounts", "a", { amount: 5, tag: "x" }, 1);
    await harness.pipe("amounts", "a", { amount: -3, tag: "x" }, 2);
    await harness.pipe("amounts", "new", { amount: -3, tag: "x" }, 2);
    await harness.pipe("amounts", "a", { amount: 1, tag: "x" }, 3);
    await harness.commit();
    await harness.pipe("amounts", "z", { amount: 0, tag: "x" }, 1_000);
    expect(harness.outputs.map(({ key, value }) => `${String(key)} ${String(value)}`)).toEqual([
      "a 5 x 5",
      "a 6 x 6",
      "a closing 6",
      "z 0 x 0",
      "z closing 0",
    ]);
    expect(harness.failures).toMatchObject([{ step: "ledger", key: "a", value: { amount: -3 } }, { key: "new" }]);
  });

  test("values that do not fit their schema are an error of the call that sets them", async () => {
    const harness = await ledger();
    await harness.pipe("amounts", "a", { amount: 1.5, tag: "x" }, 1);
    await harness.commit();
    expect(harness.failures).toMatchObject([{ error: { code: "VALUE_INVALID" } }]);
    expect(harness.outputs).toEqual([]);
  });

  test("values that were set cannot be changed behind the store's back", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts).process("tags", {
        stores: { tags: valueStore<string[]>({ avro: { type: "array", items: "string" } }) },
        onRecord({ tag }, { stores }) {
          const tags = stores.tags.get();
          if (tags === undefined) stores.tags.set([tag]);
          else tags.push(tag);
        },
      });
    });
    for (const tag of ["x", "y"]) await harness.pipe("amounts", "a", tagged(tag), 1);
    expect(harness.failures).toMatchObject([{ error: { name: "TypeError" } }]);
  });
});

describe("a tombstone", () => {
  const forgetful = () =>
    OperatorHarness.open((from) => {
      const kept = from(amounts).process("kept", {
        output: textSchema,
        onRecord({ amount, tag }, { emit, emitTombstone }) {
          emit(`before ${tag}`);
          emitTombstone({ timestampMs: 5 });
          emitTombstone();
          if (amount < 0) throw new Error("no");
          emit(`behind ${tag}`);
        },
      });
      kept.merge(from(names)).to(out);
      kept.map((text) => text.length).to(out);
    });

  test("goes to the sink under the key, in its turn and with its time, and past a merge only", async () => {
    const harness = await forgetful();
    await harness.pipe("amounts", "a", tagged("x"), 7);
    const [merged, mapped] = Object.values(Object.groupBy(harness.outputs, ({ node }) => node));
    expect(merged!.map(show)).toEqual(['a="before x" @7', "a=null @5", "a=null @7", 'a="behind x" @7']);
    expect(mapped!.map(({ value }) => value)).toEqual([8, 8]);
  });

  test("of a call that throws is not sent", async () => {
    const harness = await forgetful();
    await harness.pipe("amounts", "a", { amount: -1, tag: "x" }, 7);
    expect(harness.outputs).toEqual([]);
  });
});

describe("a call that returns a promise", () => {
  test("is waited for: the records behind it queue, with their context", async () => {
    const gates: (() => void)[] = [];
    const seen: string[] = [];
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .flatMap((value) => [1, 2, 3].map((n) => `${value.tag}${n}`), textSchema)
        .process("slow", {
          stores: { n: valueStore(longSchema) },
          output: textSchema,
          async onRecord(text, { stores, emit, record, key }) {
            await new Promise<void>((open) => gates.push(open));
            stores.n.set((stores.n.get() ?? 0) + 1);
            if (text === "b1") throw new Error("no");
            emit(`${text} ${stores.n.get()}`);
            seen.push(`${String(key)} ${record.topic} ${record.timestampMs}`);
          },
        })
        .to(out);
    });
    const opening = setInterval(() => gates.shift()?.(), 1);
    await harness.pipe("amounts", "k", tagged("a"), 7);
    await harness.pipe("amounts", "k", tagged("b"), 8);
    clearInterval(opening);
    expect(harness.outputs.map(show)).toEqual([
      'k="a1 1" @7',
      'k="a2 2" @7',
      'k="a3 3" @7',
      'k="b2 4" @8',
      'k="b3 5" @8',
    ]);
    expect(seen).toEqual([7, 7, 7, 8, 8].map((at) => `k amounts ${at}`));
    expect(harness.failures).toMatchObject([{ step: "slow", value: "b1", error: { message: "no" } }]);
  });

  test("sees its own window behind a windowed aggregate, and what it sends has none", async () => {
    const seen: unknown[] = [];
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .window(hopping("10 ms", { advance: "5 ms", grace: "none" }))
        .aggregate("n", { n: count() }, { emit: "every-change" })
        .process("slow", {
          output: textSchema,
          async onRecord(_value, { emit, record }) {
            await Promise.resolve();
            emit(String(record.window.startMs));
          },
        })
        .peek((_text, record) => void seen.push(record.window))
        .to(out);
    });
    await harness.pipe("amounts", "k", tagged("a"), 7);
    expect(harness.outputs.map(show)).toEqual(['k="0" @7', 'k="5" @7']);
    expect(seen).toEqual([undefined, undefined]);
  });

  test("of a timer holds back the record that fires it", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .process("slow", {
          timers: { bad: "stream-time", good: "stream-time" },
          output: textSchema,
          onRecord: ({ tag }, { timers, emit }) => {
            if (tag === "set") {
              timers.bad.set(10);
              timers.good.set(11);
            }
            emit(tag);
          },
          onTimer: async ({ name }, { emit }) => {
            await Promise.resolve();
            emit(name);
            if (name === "bad") throw new Error("spent");
          },
        })
        .to(out);
    });
    await harness.pipe("amounts", "a", tagged("set"), 1);
    await harness.pipe("amounts", "a", tagged("next"), 20);
    await harness.pipe("amounts", "a", tagged("last"), 30);
    expect(harness.outputs.map(({ value }) => value)).toEqual(["set", "good", "next", "last"]);
    expect(harness.failures).toMatchObject([{ key: "a", error: { message: "spent" } }]);
  });
});
