import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { count, sum } from "../dsl/aggregators.ts";
import type { Emit, Windows } from "../dsl/windows.ts";
import { hopping, tumbling } from "../dsl/windows.ts";
import { type Amount, amounts, OperatorHarness, out, show } from "./test-support.ts";

const counting = (windows: Windows, emit: Emit) =>
  OperatorHarness.open((from) => {
    const result = from(amounts)
      .window(windows)
      .aggregate("counts", { n: count(), total: sum((value: Amount) => value.amount) }, { emit });
    result.map((value) => value.n).to(out);
    result.late.map(() => "late").to(out);
  });
const one = { amount: 1, tag: "" };

describe("tumbling windows", () => {
  test("hold their start and not their end", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "none" }), "every-change");
    for (const at of [0, 9, 10]) await harness.pipe("amounts", "a", one, at);
    expect(harness.outputs.map(show)).toEqual(["[0,10] a=1 @0", "[0,10] a=2 @9", "[10,20] a=1 @10"]);
  });

  test("lie on both sides of the epoch", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "none" }), "every-change");
    for (const at of [-11, -10, -1, 0]) await harness.pipe("amounts", "a", one, at);
    expect(harness.outputs.map(show)).toEqual([
      "[-20,-10] a=1 @-11",
      "[-10,0] a=1 @-10",
      "[-10,0] a=2 @-1",
      "[0,10] a=1 @0",
    ]);
  });

  test("close when end + grace ≤ stream time, for all keys, and then send records to late", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "5 ms" }), "every-change");
    await harness.pipe("amounts", "a", one, 3);
    await harness.pipe("amounts", "b", one, 14);
    await harness.pipe("amounts", "a", one, 4);
    await harness.pipe("amounts", "b", one, 15);
    await harness.pipe("amounts", "a", one, 5);
    expect(harness.outputs.map(show)).toEqual([
      "[0,10] a=1 @3",
      "[10,20] b=1 @14",
      "[0,10] a=2 @4",
      "[10,20] b=2 @15",
      'a="late" @5',
    ]);
    expect(harness.late).toBe(1);
  });

  test("have the highest event time as the time of their result", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "none" }), "on-commit");
    for (const at of [5, 8, 2]) await harness.pipe("amounts", "a", one, at);
    await harness.commit();
    expect(harness.outputs.map(show)).toEqual(["[0,10] a=3 @8"]);
  });

  test("put their bounds into the result and the context", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .window(tumbling("1 day", { grace: "none", zone: "Asia/Seoul" }))
        .aggregate("counts", { n: count() })
        .to(out);
    });
    await harness.pipe("amounts", "a", one, Date.parse("1993-04-05T12:00:00+09:00"));
    await harness.commit();
    const { value, window } = harness.outputs[0]!;
    const windowStartMs = Date.parse("1993-04-05T00:00:00+09:00");
    expect(value).toEqual({ windowStartMs, windowEndMs: windowStartMs + 86_400_000, n: 1 });
    expect(window?.label).toBe("1993-04-05");
  });

  test("skip null values, and refuse records without a key or with a time that is none", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "none" }), "every-change");
    await harness.pipe("amounts", "a", null, 1);
    await harness.pipe("amounts", null, one, 1);
    await harness.pipe("amounts", "a", one, Number.NaN);
    await harness.pipe("amounts", "a", one, 9e15);
    await harness.pipe("amounts", "a", one, 1);
    expect(harness.outputs.map(show)).toEqual(["[0,10] a=1 @1"]);
    expect(harness.failures.map(({ error }) => (error as { code: string }).code)).toEqual([
      "KEY_MISSING",
      "TIMESTAMP_INVALID",
      "TIMESTAMP_INVALID",
    ]);
  });
});

describe("hopping windows", () => {
  test("a record counts in all windows that hold it, aligned to the epoch", async () => {
    const harness = await counting(hopping("10 ms", { advance: "4 ms", grace: "none" }), "every-change");
    await harness.pipe("amounts", "a", one, 9);
    expect(harness.outputs.map(show)).toEqual(["[0,10] a=1 @9", "[4,14] a=1 @9", "[8,18] a=1 @9"]);
  });

  test("a record counts only in those of its windows that are open, and is late when none is", async () => {
    const harness = await counting(hopping("10 ms", { advance: "5 ms", grace: "none" }), "every-change");
    for (const at of [12, 7, 4]) await harness.pipe("amounts", "a", one, at);
    expect(harness.outputs.map(show)).toEqual(["[5,15] a=1 @12", "[10,20] a=1 @12", "[5,15] a=2 @12", 'a="late" @4']);
  });

  test("a throwing selector leaves every window as it was", async () => {
    const harness = await OperatorHarness.open((from) => {
      const check = (value: Amount) => {
        if (value.amount < 0) throw new Error("negative");
        return value.amount;
      };
      from(amounts)
        .window(hopping("10 ms", { advance: "5 ms", grace: "none" }))
        .aggregate("sums", { n: count(), total: sum(check) }, { emit: "on-commit" })
        .to(out);
    });
    for (const amount of [1, -1, 2]) await harness.pipe("amounts", "a", { amount, tag: "" }, 7);
    await harness.commit();
    expect(harness.outputs.map(({ value }) => value)).toEqual([
      { windowStartMs: 0, windowEndMs: 10, n: 2, total: 3 },
      { windowStartMs: 5, windowEndMs: 15, n: 2, total: 3 },
    ]);
    expect(harness.failures).toMatchObject([{ step: "sums", key: "a", value: { amount: -1 } }]);
  });
});

describe("results on close", () => {
  test("come once, behind the record that closes, in order of end and key", async () => {
    const harness = await counting(hopping("10 ms", { advance: "5 ms", grace: "none" }), "on-close");
    await harness.pipe("amounts", "b", one, 2);
    await harness.pipe("amounts", "a", one, 6);
    await harness.pipe("amounts", "a", one, 9);
    expect(harness.takeOutputs().map(show)).toEqual(["[-5,5] b=1 @2"]);
    await harness.pipe("amounts", "c", one, 40);
    expect(harness.takeOutputs().map(show)).toEqual(["[0,10] a=2 @9", "[0,10] b=1 @2", "[5,15] a=2 @9"]);
    await harness.commit();
    await harness.pipe("amounts", "c", one, 44);
    expect(harness.takeOutputs()).toEqual([]);
    await harness.pipe("amounts", "c", one, 45);
    expect(harness.takeOutputs().map(show)).toEqual(["[35,45] c=2 @44"]);
  });

  test("come once also if the task restarts in between", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "none" }), "on-close");
    await harness.pipe("amounts", "a", one, 1);
    await harness.pipe("amounts", "a", one, 10);
    await harness.commit();
    expect(harness.takeOutputs().map(show)).toEqual(["[0,10] a=1 @1"]);
    await harness.pipe("amounts", "a", one, 25);
    expect(harness.takeOutputs().map(show)).toEqual(["[10,20] a=1 @10"]);
    harness.restart();
    await harness.pipe("amounts", "a", one, 25);
    await harness.pipe("amounts", "a", one, 35);
    expect(harness.takeOutputs().map(show)).toEqual(["[10,20] a=1 @10", "[20,30] a=1 @25"]);
  });

  test("come in pieces where thousands close at once, and stay in order", async () => {
    const harness = await counting(tumbling("10 ms", { grace: "none" }), "on-close");
    for (let n = 0; n < 2_500; n++) await harness.pipe("amounts", `k${n % 1_250}`, one, Math.floor(n / 1_250) * 10);
    await harness.pipe("amounts", "z", one, 100);
    const order = harness.takeOutputs().map(({ key, window }) => [window!.endMs, key] as const);
    expect(order).toHaveLength(2_500);
    expect(order).toEqual([...order].sort((a, b) => a[0] - b[0] || (String(a[1]) < String(b[1]) ? -1 : 1)));
  });

  test("of a step behind another one go on with what closes while they are sent", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .window(tumbling("10 ms", { grace: "100 ms" }))
        .aggregate("first", { n: count() }, { emit: "on-close" })
        .window(tumbling("10 ms", { grace: "none" }))
        .aggregate("second", { n: count() }, { emit: "on-close" })
        .to(out);
    });
    for (let n = 0; n < 1_998; n++) await harness.pipe("amounts", `k${n}`, one, 5);
    for (const [key, at] of [
      ["x", 15],
      ["y", 15],
      ["z", 25],
      ["end", 1_000],
    ] as const)
      await harness.pipe("amounts", key, one, at);
    expect(harness.outputs).toHaveLength(2_000);
    expect(harness.outputs.slice(-2).map(({ key }) => key)).toEqual(["x", "y"]);
  });
});

describe("against a naive model", () => {
  interface Spec {
    readonly size: number;
    readonly advance: number;
    readonly grace: number;
  }
  type Sent = readonly [key: string, at: number, amount: number];

  const specs = fc.record({
    size: fc.integer({ min: 1, max: 20 }),
    advance: fc.integer({ min: 1, max: 20 }),
    grace: fc.integer({ min: 0, max: 15 }),
  });
  const records = fc.array(
    fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: -40, max: 60 }), fc.integer({ min: 1, max: 9 })),
    { maxLength: 40 },
  );

  function model({ size, advance, grace }: Spec, sent: readonly Sent[]) {
    const windows = new Map<string, { n: number; total: number; latest: number }>();
    let [streamTime, late] = [Number.NEGATIVE_INFINITY, 0];
    for (const [key, at, amount] of sent) {
      streamTime = Math.max(streamTime, at);
      let counted = false;
      for (let start = -100; start <= at; start++) {
        if (Math.abs(start % advance) !== 0 || start + size <= at || start + size + grace <= streamTime) continue;
        const window = windows.get(`${start},${start + size} ${key}`) ?? { n: 0, total: 0, latest: at };
        windows.set(`${start},${start + size} ${key}`, {
          n: window.n + 1,
          total: window.total + amount,
          latest: Math.max(window.latest, at),
        });
        counted = true;
      }
      if (!counted) late++;
    }
    return { windows, late };
  }

  test.each<Emit>(["every-change", "on-commit", "on-close"])(
    "%s: the last result of every window equals the model's",
    async (emit) => {
      await fc.assert(
        fc.asyncProperty(
          specs,
          records,
          fc.integer({ min: 1, max: 7 }),
          fc.integer({ min: 1, max: 4 }),
          async (raw, sent, commitEvery, burst) => {
            const spec = { ...raw, advance: Math.min(raw.advance, raw.size) };
            const harness = await OperatorHarness.open((from) => {
              from(amounts)
                .window(hopping(`${spec.size} ms`, { advance: `${spec.advance} ms`, grace: `${spec.grace} ms` }))
                .aggregate("sums", { n: count(), total: sum((value: Amount) => value.amount) }, { emit })
                .to(out);
            });
            for (const [index, [key, at, amount]] of sent.entries()) {
              harness.push("amounts", key, { amount, tag: "" }, at);
              if (index % burst === 0) await harness.settle();
              if (index % commitEvery === 0) await harness.commit();
              if (index % (2 * commitEvery) === 0) harness.restart();
            }
            await harness.commit();
            const lateBeforeEnd = harness.late;
            await harness.pipe("amounts", "end", { amount: 0, tag: "" }, 10_000);
            const expected = model(spec, sent);
            const results = new Map<string, unknown>();
            const times = new Map<string, number>();
            for (const { key, value, timestampMs, window } of harness.outputs) {
              if (key === "end") continue;
              const id = `${window!.startMs},${window!.endMs} ${String(key)}`;
              if (emit === "on-close") expect(results.has(id)).toBe(false);
              results.set(id, value);
              times.set(id, timestampMs);
            }
            const shown = [...expected.windows].map(
              ([id, { n, total }]) => [id, expect.objectContaining({ n, total })] as const,
            );
            expect(results).toEqual(new Map(shown));
            expect(times).toEqual(new Map([...expected.windows].map(([id, { latest }]) => [id, latest])));
            expect(lateBeforeEnd).toBe(expected.late);
          },
        ),
        { numRuns: 60 },
      );
    },
  );
});
