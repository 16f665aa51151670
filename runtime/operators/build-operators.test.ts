import { describe, expect, test } from "vitest";
import { count, sum } from "../dsl/aggregators.ts";
import { defineJob } from "../dsl/define-job.ts";
import { session, tumbling } from "../dsl/windows.ts";
import { buildOperators } from "./build-operators.ts";
import type { OperatorEnvironment } from "./operator.ts";
import { type Amount, amounts, names, OperatorHarness, out, show, textSchema } from "./test-support.ts";

const value = (amount: number, tag = "") => ({ amount, tag });

describe("stateless steps", () => {
  test("filter, map, flatMap, peek, branch, keyBy and merge do what they are called", async () => {
    const seen: number[] = [];
    const harness = await OperatorHarness.open((from) => {
      const { small, otherwise } = from(amounts)
        .filter(({ amount }) => amount > 0)
        .peek(({ amount }) => void seen.push(amount))
        .branch({ small: ({ amount }) => amount < 10, tiny: ({ amount }) => amount < 5 });
      const doubled = small.flatMap(({ amount }) => [amount, amount + 0.5]);
      otherwise
        .map(({ amount }) => -amount)
        .merge(doubled)
        .keyBy((amount) => `k${amount}`)
        .to(out);
    });
    for (const amount of [0, 3, 10]) await harness.pipe("amounts", "a", value(amount), 1);
    expect(harness.outputs.map(show)).toEqual(["k3=3 @1", "k3.5=3.5 @1", "k-10=-10 @1"]);
    expect(seen).toEqual([3, 10]);
  });

  test("a function that throws ends its own branch only", async () => {
    const harness = await OperatorHarness.open((from) => {
      const stream = from(amounts);
      const fail = (): never => {
        throw new Error("no");
      };
      stream.map(fail).to(out);
      stream.filter(fail).to(out);
      stream.flatMap(fail).to(out);
      stream.peek(fail).to(out);
      stream.branch({ fail }).otherwise.to(out);
      stream.keyBy(fail).to(out);
      stream.map(() => "reached").to(out);
    });
    await harness.pipe("amounts", "a", value(1), 1);
    expect(harness.outputs.map(show)).toEqual(['a="reached" @1']);
    expect(harness.failures.map(({ step }) => step)).toEqual(
      ["map", "filter", "flatMap", "peek", "branch", "keyBy"].map((kind) => `amounts>${kind}`),
    );
    expect(harness.failures[0]).toMatchObject({ key: "a", value: value(1), error: { message: "no" } });
  });

  test("a flatMap that throws halfway sends nothing", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .flatMap(function* () {
          yield 1;
          throw new Error("no");
        })
        .to(out);
    });
    await harness.pipe("amounts", "a", value(1), 1);
    expect(harness.outputs).toEqual([]);
    expect(harness.failures).toHaveLength(1);
  });

  test("functions see the record in hand, whatever other steps did with it before", async () => {
    const seen: string[] = [];
    const harness = await OperatorHarness.open((from) => {
      const stream = from(amounts);
      const look =
        (where: string) =>
        (_value: unknown, record: { readonly key: unknown; readonly timestampMs: number; readonly window: unknown }) =>
          void seen.push(
            `${where} ${String(record.key)} ${record.timestampMs} ${record.window === undefined ? "-" : "window"}`,
          );
      stream.keyBy(({ tag }) => tag).peek(look("left"));
      stream
        .window(tumbling("10 ms", { grace: "none" }))
        .aggregate("n", { n: count() }, { emit: "every-change" })
        .peek(look("windowed"));
      stream
        .window(tumbling("10 ms", { grace: "none" }))
        .aggregate("m", { n: count() }, { emit: "every-change" })
        .keyBy(() => "z")
        .peek(look("rekeyed"));
      stream
        .process("later", { output: textSchema, onRecord: (_value, { emit }) => emit("x", { timestampMs: 99 }) })
        .peek(look("emitted"));
      stream
        .flatMap(function* (_value, record) {
          yield record.key;
          yield record.key;
        })
        .peek(look("right"));
    });
    await harness.pipe("amounts", "a", value(1, "b"), 7);
    expect(seen).toEqual([
      "left b 7 -",
      "windowed a 7 window",
      "rekeyed z 7 -",
      "emitted a 99 -",
      "right a 7 -",
      "right a 7 -",
    ]);
  });

  test("a selector that finds no key is an error of the record", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .keyBy(({ tag }) => (tag === "" ? (undefined as never) : tag))
        .to(out);
    });
    await harness.pipe("amounts", "a", value(1), 1);
    expect(harness.failures).toMatchObject([{ error: { code: "KEY_MISSING" } }]);
  });
});

describe("null values", () => {
  test("reach no function, pass from a source straight to a sink, and end at other steps", async () => {
    const harness = await OperatorHarness.open((from) => {
      const stream = from(amounts);
      const never = (): never => {
        throw new Error("called");
      };
      stream.to(out);
      stream.map(never).to(out);
      stream.filter(never).to(out);
      stream.flatMap(never).to(out);
      stream.peek(never).to(out);
      stream.branch({ never }).otherwise.to(out);
      stream.keyBy(never).to(out);
      stream.aggregate("n", { n: sum(never) }, { emit: "every-change" }).to(out);
      stream.process("p", { onRecord: never });
    });
    await harness.pipe("amounts", "a", null, 1);
    expect(harness.outputs.map(show)).toEqual(["a=null @1"]);
    expect(harness.failures).toEqual([]);
  });

  test("that withdraw a session go on through every step that keeps the key", async () => {
    const harness = await OperatorHarness.open((from) => {
      const result = from(amounts)
        .window(session("5 ms", { grace: "none" }))
        .aggregate("s", { n: count() }, { emit: "every-change" });
      const branches = result
        .filter(() => true)
        .map(({ n }) => n)
        .flatMap((n) => [n])
        .peek(() => undefined)
        .branch({ one: (n) => n === 1 });
      branches.one.to(out);
      branches.otherwise.to(out);
      result.keyBy(() => "k").to(out);
    });
    await harness.pipe("amounts", "a", value(1), 1);
    await harness.pipe("amounts", "a", value(1), 3);
    expect(harness.outputs.filter(({ key }) => key === "a").map(show)).toEqual([
      "[1,1] a=1 @1",
      "[1,1] a=null @1",
      "[1,1] a=null @1",
      "[1,3] a=2 @3",
    ]);
    expect(harness.outputs.filter(({ key, value }) => key === "k" && value === null)).toEqual([]);
  });
});

describe("tables", () => {
  test("join looks up the table's value at that moment; leftJoin goes on without one", async () => {
    const harness = await OperatorHarness.open((from) => {
      const table = from.table("people", names);
      from(amounts)
        .join("inner", table, ({ amount }, name) => `${name} ${amount}`)
        .to(out);
      from(amounts2)
        .leftJoin("left", table, ({ amount }, name) => `${name} ${amount}`)
        .to(out);
    });
    await harness.pipe("amounts", "a", value(1), 1);
    await harness.pipe("amounts2", "a", value(1), 1);
    await harness.pipe("people", "a", "Ann", 2);
    await harness.commit();
    await harness.pipe("amounts", "a", value(2), 3);
    await harness.pipe("people", "a", null, 4);
    await harness.pipe("amounts2", "a", value(3), 5);
    expect(harness.outputs.map(({ value }) => value)).toEqual(["undefined 1", "Ann 2", "undefined 3"]);
  });

  test("an aggregate is a table of its latest results", async () => {
    const harness = await OperatorHarness.open((from) => {
      const stream = from(amounts);
      const totals = stream.aggregate("totals", { total: sum(({ amount }: Amount) => amount) });
      stream.join("share", totals.asTable(), ({ amount }, { total }) => amount / total).to(out);
    });
    await harness.pipe("amounts", "a", value(1), 1);
    await harness.pipe("amounts", "a", value(3), 1);
    expect(harness.outputs.map(({ value }) => value)).toEqual([1, 0.75]);
  });
});

describe("an aggregate without windows", () => {
  const open = (emit: "every-change" | "on-commit") =>
    OperatorHarness.open((from) => {
      from(amounts)
        .aggregate("totals", { n: count(), total: sum(({ amount }: Amount) => amount) }, { emit })
        .map(({ n, total }) => `${n} ${total}`)
        .to(out);
    });

  test("sends at every change, or the latest of each changed key at the commit, with the highest event time", async () => {
    for (const emit of ["every-change", "on-commit"] as const) {
      const harness = await open(emit);
      for (const [key, amount, at] of [
        ["a", 1, 5],
        ["b", 2, 6],
        ["a", 4, 3],
      ] as const)
        await harness.pipe("amounts", key, value(amount), at);
      if (emit === "on-commit") expect(harness.outputs).toEqual([]);
      await harness.commit();
      const latest = ['b="1 2" @6', 'a="2 5" @5'];
      expect(harness.outputs.map(show)).toEqual(emit === "on-commit" ? latest.toReversed() : ['a="1 1" @5', ...latest]);
      await harness.commit();
      expect(harness.takeOutputs().length).toBe(emit === "on-commit" ? 2 : 3);
    }
  });

  test("goes on from what was committed", async () => {
    const harness = await open("on-commit");
    await harness.pipe("amounts", "a", value(1), 5);
    await harness.commit();
    await harness.pipe("amounts", "a", value(9), 5);
    harness.restart();
    await harness.pipe("amounts", "a", value(2), 5);
    await harness.commit();
    expect(harness.outputs.map(({ value }) => value)).toEqual(["1 1", "2 3"]);
  });
});

test("what is repartitioned leaves by its topic, and comes in again as an input", () => {
  const { topology } = defineJob({
    name: "job",
    version: 1,
    flow(from) {
      from(amounts)
        .keyBy(({ tag }) => tag)
        .aggregate("n", { n: count() })
        .to(out);
    },
  });
  const written: unknown[] = [];
  const environment = {
    record: { key: null, timestampMs: 0, window: undefined, topic: "", partition: 0, offset: 0, headers: {} },
    output: (node: string) => (key: unknown) => void written.push([node, key]),
    store: () => ({ streamTimeMs: 0, get: () => undefined, put: () => undefined, forEachChanged: () => undefined }),
  } as unknown as OperatorEnvironment;
  const before = buildOperators({ topology, nodeIds: ["amounts", "amounts>keyBy"], environment });
  before.inputs.get("amounts")!("a", value(1, "t"), 1);
  expect(written).toEqual([["n.repartition", "t"]]);
  const behind = buildOperators({ topology, nodeIds: ["n.repartition", "n", "n>sink"], environment });
  expect([...behind.inputs.keys()]).toEqual(["n.repartition"]);
  expect(behind.operators.map(({ id }) => id)).toEqual(["n"]);
});

const amounts2 = { ...amounts, name: "amounts2" };
