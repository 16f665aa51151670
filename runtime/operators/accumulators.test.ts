import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Decimal } from "../../schemas/decimal.ts";
import type { Schema } from "../../schemas/schema.ts";
import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import {
  type AggregatorTree,
  accumulate,
  average,
  collect,
  count,
  distinctCount,
  first,
  last,
  max,
  min,
  sum,
  topN,
  when,
} from "../dsl/aggregators.ts";
import type { UserAggregate } from "../dsl/topology.ts";
import { type Accumulator, compileAccumulator } from "./accumulators.ts";
import type { Cells } from "./quantity.ts";
import { longSchema, textSchema } from "./test-support.ts";

interface Value {
  readonly n: number;
  readonly text: string;
  readonly money: Decimal;
}

const value = (n: number, text = "t", money = "1.00"): Value => ({ n, text, money: Decimal.of(money) });
const n = ({ n }: Value) => n;
const text = ({ text }: Value) => text;
const money = ({ money }: Value) => money;
const compile = (aggregators: AggregatorTree<Value> | UserAggregate) =>
  compileAccumulator({ id: "step", aggregators: aggregators as AggregatorTree<never> });

function add(accumulator: Accumulator, cells: Cells, item: unknown, timestampMs = 0): void {
  accumulator.select(item);
  accumulator.check(cells, 0, timestampMs);
  accumulator.apply(cells, 0, timestampMs);
}

function over(accumulator: Accumulator, items: readonly (readonly [item: unknown, timestampMs: number])[]): Cells {
  const cells = accumulator.create();
  for (const [item, timestampMs] of items) add(accumulator, cells, item, timestampMs);
  return cells;
}

function recoded({ codec }: Accumulator, cells: Cells): Cells {
  const out = new ByteWriter(16);
  codec.write(cells, out);
  const input = new ByteReader(out.buffer.subarray(0, out.position));
  const read = codec.read(input);
  expect(input.remaining).toBe(0);
  return read;
}

const codeOf = (run: () => void): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return "nothing thrown";
};

const longs = accumulate({
  initial: () => 0,
  add: (total: number, item: Value) => total + item.n,
  merge: (a, b) => a + b,
  schema: longSchema,
});

/** Each kind: its result over nothing, and over values 3, 1, 2 at the times 10, 30, 20 with texts c, a, b and money 3.00, 1.00, 2.00. */
const kinds: readonly (readonly [name: string, AggregatorTree<Value>[string], empty: unknown, full: unknown])[] = [
  ["count", count(), 0, 3],
  ["sum of numbers", sum(n), 0, 6],
  ["sum of decimals", sum(money, { scale: 2 }), Decimal.of("0.00"), Decimal.of("6.00")],
  ["min of numbers", min(n), null, 1],
  ["max of texts", max(text), null, "c"],
  ["max of decimals", max(money), null, Decimal.of("3.00")],
  ["average of numbers", average(n), null, 2],
  ["average of decimals", average(money, { scale: 1 }), null, Decimal.of("2.0")],
  ["first", first(text, textSchema), null, "c"],
  ["last", last(text, textSchema), null, "a"],
  ["distinctCount", distinctCount(text), 0, 3],
  ["topN", topN(text, { limit: 2, by: n, schema: textSchema }), [], ["c", "b"]],
  ["collect", collect(text, { limit: 2, schema: textSchema }), [], ["c", "a"]],
  [
    "when",
    when((item: Value) => item.n > 1, { n: count(), last: last(text, textSchema) }),
    { n: 0, last: null },
    { n: 2, last: "b" },
  ],
  ["accumulate", longs, 0, 6],
  ["a nested tree", { deep: { n: count() } }, { deep: { n: 0 } }, { deep: { n: 3 } }],
];
const items = [
  [value(3, "c", "3.00"), 10],
  [value(1, "a", "1.00"), 30],
  [value(2, "b", "2.00"), 20],
] as const;

describe.each(kinds)("%s", (_name, aggregator, empty, full) => {
  const accumulator = compile({ q: aggregator as AggregatorTree<Value> });

  test("results over nothing and over records", () => {
    expect(accumulator.result(accumulator.create())).toEqual({ q: empty });
    expect(accumulator.result(over(accumulator, items))).toEqual({ q: full });
  });

  test("is the same after its bytes were read", () => {
    expect(recoded(accumulator, accumulator.create())).toEqual(accumulator.create());
    const cells = recoded(accumulator, over(accumulator, items));
    expect(cells).toEqual(over(accumulator, items));
    add(accumulator, cells, value(9, "z", "9.00"), 99);
    expect(accumulator.result(cells)).toEqual(
      accumulator.result(over(accumulator, [...items, [value(9, "z", "9.00"), 99]])),
    );
  });

  test("a clone and its original change apart", () => {
    const original = over(accumulator, items.slice(0, 1));
    const clone = accumulator.clone(original);
    add(accumulator, clone, ...items[1]);
    add(accumulator, clone, ...items[2]);
    expect(accumulator.result(original)).toEqual(accumulator.result(over(accumulator, items.slice(0, 1))));
    expect(accumulator.result(clone)).toEqual({ q: full });
  });

  test("merges as if all records had been added to one, and leaves both as they were", () => {
    const left = over(accumulator, items.slice(0, 1));
    const right = over(accumulator, items.slice(1));
    const [leftBefore, rightBefore] = [accumulator.result(left), accumulator.result(right)];
    const merged = accumulator.merge(left, right);
    expect(accumulator.result(merged)).toEqual({ q: full });
    expect(merged[0]).toBe(30);
    add(accumulator, merged, value(9, "z", "9.00"), 99);
    expect([accumulator.result(left), accumulator.result(right)]).toEqual([leftBefore, rightBefore]);
    expect(accumulator.result(accumulator.merge(accumulator.create(), left))).toEqual(leftBefore);
    expect(accumulator.result(accumulator.merge(left, accumulator.create()))).toEqual(leftBefore);
  });
});

test("a tree of counts and sums is an array of doubles, also after its bytes were read", () => {
  const accumulator = compile({ n: count(), total: sum(n), mean: average(n) });
  const cells = recoded(accumulator, over(accumulator, [[value(0.5), 5]]));
  expect(cells).toEqual([5, 1, 0.5, 0.5, 1]);
  expect(cells.every((cell) => typeof cell === "number")).toBe(true);
});

describe("first and last", () => {
  const accumulator = compile({ first: first(text, textSchema), last: last(text, textSchema) });

  test("of equal times, the first to arrive is first and the last to arrive is last", () => {
    const cells = over(accumulator, [
      [value(0, "a"), 5],
      [value(0, "b"), 5],
      [value(0, "c"), 4],
      [value(0, "d"), 5],
      [value(0, "e"), 4],
    ]);
    expect(accumulator.result(cells)).toEqual({ first: "c", last: "d" });
  });

  test("merging, the earlier aggregate comes first", () => {
    const [left, right] = [over(accumulator, [[value(0, "a"), 5]]), over(accumulator, [[value(0, "b"), 5]])];
    expect(accumulator.result(accumulator.merge(left, right))).toEqual({ first: "a", last: "b" });
  });
});

test("topN: of equal ranks the earlier to arrive stays", () => {
  const accumulator = compile({ top: topN(text, { limit: 2, by: n, schema: textSchema }) });
  const cells = over(accumulator, [
    [value(1, "a"), 0],
    [value(1, "b"), 0],
    [value(1, "c"), 0],
    [value(2, "d"), 0],
  ]);
  expect(accumulator.result(cells)).toEqual({ top: ["d", "a"] });
});

test("an average of decimals is rounded half-even, and only at the end", () => {
  const accumulator = compile({ mean: average(money, { scale: 0 }) });
  expect(
    accumulator.result(
      over(accumulator, [
        [value(0, "", "0.5"), 0],
        [value(0, "", "0.50"), 0],
      ]),
    ),
  ).toEqual({ mean: Decimal.of("0") });
  expect(
    accumulator.result(
      over(accumulator, [
        [value(0, "", "1.25"), 0],
        [value(0, "", "1.75"), 0],
      ]),
    ),
  ).toEqual({ mean: Decimal.of("2") });
});

test("decimals beyond 2^53 are exact, also in bytes", () => {
  const accumulator = compile({ total: sum(money, { scale: 2 }) });
  const large = value(0, "", "90071992547409.93");
  const cells = recoded(
    accumulator,
    over(accumulator, [
      [large, 0],
      [large, 0],
      [value(0, "", "-0.01"), 0],
    ]),
  );
  expect(String((accumulator.result(cells) as { total: Decimal }).total)).toBe("180143985094819.85");
});

describe("what cannot be aggregated leaves everything as it was", () => {
  const cases: readonly (readonly [
    name: string,
    AggregatorTree<Value>[string],
    good: unknown,
    bad: unknown,
    code: string,
  ])[] = [
    ["an integer sum beyond 2^53", sum(n), value(Number.MAX_SAFE_INTEGER), value(1), "AGGREGATE_OVERFLOW"],
    ["NaN", sum(n), value(1), value(Number.NaN), "AGGREGATE_VALUE"],
    ["an infinite number", average(n), value(1), value(Number.POSITIVE_INFINITY), "AGGREGATE_VALUE"],
    ["a text in a sum", sum(n), value(1), { n: "1" }, "AGGREGATE_VALUE"],
    ["nothing in a minimum", min(n), value(1), {}, "AGGREGATE_VALUE"],
    ["a text after a number in a minimum", min((item: Value) => item.n), value(1), { n: "1" }, "AGGREGATE_VALUE"],
    [
      "more digits than the scale",
      sum(money, { scale: 2 }),
      value(0, "", "1.5"),
      value(0, "", "1.234"),
      "AGGREGATE_VALUE",
    ],
    ["a number in a sum of decimals", sum(money, { scale: 2 }), value(0), { money: 1 }, "AGGREGATE_VALUE"],
    ["one value too many", distinctCount(text, { limit: 1 }), value(0, "a"), value(0, "b"), "AGGREGATE_LIMIT"],
    ["an object as a distinct value", distinctCount(text), value(0), { text: {} }, "AGGREGATE_VALUE"],
    ["a value that does not fit its schema", last(text, textSchema), value(0), { text: 5 }, "AGGREGATE_VALUE"],
    [
      "a rank that is no number",
      topN(text, { limit: 1, by: n, schema: textSchema }),
      value(0),
      { text: "a" },
      "AGGREGATE_VALUE",
    ],
    [
      "a collected value that does not fit",
      collect(text, { limit: 5, schema: textSchema }),
      value(0),
      { text: 5 },
      "AGGREGATE_VALUE",
    ],
    ["an accumulator that does not fit", longs, value(1), value(0.5), "AGGREGATE_VALUE"],
    [
      "a bad value under a condition",
      when(() => true, { total: sum(n) }),
      value(1),
      value(Number.NaN),
      "AGGREGATE_VALUE",
    ],
  ];

  test.each(cases)("%s", (_name, aggregator, good, bad, code) => {
    const accumulator = compile({ before: count(), q: aggregator as AggregatorTree<Value>, behind: count() });
    const cells = over(accumulator, [[good, 5]]);
    const before = JSON.stringify(accumulator.result(cells));
    expect(codeOf(() => add(accumulator, cells, bad, 6))).toBe(code);
    expect(JSON.stringify(accumulator.result(cells))).toBe(before);
    expect(cells[0]).toBe(5);
  });

  test("sums of fractions may be larger than 2^53", () => {
    const accumulator = compile({ total: sum(n) });
    const cells = over(accumulator, [
      [value(2 ** 51 + 0.5), 0],
      [value(2 ** 53), 0],
    ]);
    expect(accumulator.result(cells)).toEqual({ total: 2 ** 53 + 2 ** 51 });
  });

  test("sessions that together have too many distinct values do not merge", () => {
    const accumulator = compile({ q: distinctCount(text, { limit: 1 }) });
    const [left, right] = [over(accumulator, [[value(0, "a"), 0]]), over(accumulator, [[value(0, "b"), 0]])];
    expect(codeOf(() => accumulator.merge(left, right))).toBe("AGGREGATE_LIMIT");
    expect(accumulator.result(left)).toEqual({ q: 1 });
  });
});

describe("functions of the user's own", () => {
  const strings: Schema<string[]> = { avro: { type: "array", items: "string" } };

  test("reduce begins with the first value", () => {
    const accumulator = compile({
      user: true,
      add: (a: string, b: string) => `${a}${b}`,
      merge: (a: string, b: string) => `${a}|${b}`,
      schema: textSchema,
    });
    const cells = over(accumulator, [
      ["a", 1],
      ["b", 2],
    ]);
    expect(accumulator.result(recoded(accumulator, cells))).toBe("ab");
    expect(accumulator.windowResult(cells, 0, 10)).toBe("ab");
    expect(accumulator.result(accumulator.merge(cells, over(accumulator, [["c", 3]])))).toBe("ab|c");
    expect(accumulator.result(accumulator.merge(accumulator.create(), cells))).toBe("ab");
  });

  test("an add that changes its accumulator in place is an error and changes nothing", () => {
    const accumulator = compile({
      user: true,
      initial: () => ["start"],
      add: (texts: string[], item: string) => {
        texts.push(item);
        return texts;
      },
      schema: strings,
    });
    const cells = accumulator.create();
    expect(() => add(accumulator, cells, "x")).toThrow(TypeError);
    expect(accumulator.result(cells)).toEqual(["start"]);
  });
});

test("bytes of another layout are refused", () => {
  const accumulator = compile({ n: count() });
  expect(codeOf(() => accumulator.codec.read(new ByteReader(Buffer.from([99, 0]))))).toBe("STATE_LAYOUT");
});

test("any mix of kinds: bytes and merges lose nothing", () => {
  const tree = Object.fromEntries(kinds.map(([name, aggregator]) => [name, aggregator])) as AggregatorTree<Value>;
  const accumulator = compile(tree);
  const item = fc.tuple(
    fc.record({
      n: fc.integer({ min: -5, max: 5 }),
      text: fc.string({ maxLength: 2 }),
      money: fc.integer({ min: -500, max: 500 }).map((cents) => Decimal.ofUnscaled(cents, 2)),
    }),
    fc.integer({ min: -50, max: 50 }),
  );
  fc.assert(
    fc.property(fc.array(item, { maxLength: 8 }), fc.array(item, { maxLength: 8 }), (left, right) => {
      const shown = (cells: Cells) => JSON.stringify(accumulator.result(cells));
      const merged = accumulator.merge(over(accumulator, left), over(accumulator, right));
      expect(shown(recoded(accumulator, merged))).toBe(shown(over(accumulator, [...left, ...right])));
    }),
    { numRuns: 200 },
  );
});
