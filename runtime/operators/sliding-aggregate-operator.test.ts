import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collect, distinctCount, sum } from "../dsl/aggregators.ts";
import { type Emit, sliding } from "../dsl/windows.ts";
import { type Amount, amounts, OperatorHarness, out, show, textSchema } from "./test-support.ts";

const tags = (difference: number, grace: number, emit: Emit) =>
  OperatorHarness.open((from) => {
    const result = from(amounts)
      .window(sliding(`${difference} ms`, { grace: grace === 0 ? "none" : `${grace} ms` }))
      .aggregate(
        "windows",
        { tags: collect((value: Amount) => value.tag, { limit: 100, schema: textSchema }) },
        { emit },
      );
    result.map((value) => value.tags.join("")).to(out);
    result.late.map(() => "late").to(out);
  });
const tagged = (tag: string) => ({ amount: 1, tag });

test("the windows of Kafka Streams' documentation", async () => {
  const harness = await tags(5_000, 100_000, "on-commit");
  for (const [tag, at] of [
    ["1", 8_000],
    ["2", 9_200],
    ["3", 12_400],
  ] as const)
    await harness.pipe("amounts", "A", tagged(tag), at);
  await harness.commit();
  expect(harness.outputs.map(show)).toEqual([
    '[3000,8000] A="1" @8000',
    '[4200,9200] A="12" @9200',
    '[7400,12400] A="123" @12400',
    '[8001,13001] A="23" @12400',
    '[9201,14201] A="3" @12400',
  ]);
});

test("a record that comes out of order gets its own windows and joins those around it", async () => {
  const harness = await tags(10, 100, "on-commit");
  for (const [tag, at] of [
    ["a", 0],
    ["c", 20],
    ["b", 12],
  ] as const)
    await harness.pipe("amounts", "k", tagged(tag), at);
  await harness.commit();
  expect(harness.outputs.map(show)).toEqual([
    '[-10,0] k="a" @0',
    '[2,12] k="b" @12',
    '[10,20] k="cb" @20',
    '[13,23] k="c" @20',
  ]);
});

test("records of one time share their windows", async () => {
  const harness = await tags(10, 100, "on-commit");
  for (const [tag, at] of [
    ["a", 5],
    ["b", 5],
    ["c", 5],
  ] as const)
    await harness.pipe("amounts", "k", tagged(tag), at);
  await harness.commit();
  expect(harness.outputs.map(show)).toEqual(['[-5,5] k="abc" @5']);
});

test("a record is late when a window that began at it would be closed", async () => {
  const harness = await tags(10, 5, "every-change");
  await harness.pipe("amounts", "k", tagged("a"), 100);
  await harness.pipe("amounts", "k", tagged("b"), 85);
  await harness.pipe("amounts", "k", tagged("c"), 84);
  expect(harness.late).toBe(1);
  expect(harness.outputs.map(show)).toEqual(['[90,100] k="a" @100', 'k="late" @84']);
});

test("on close, windows come once in order of end and key, behind the record that closes them", async () => {
  const harness = await tags(10, 0, "on-close");
  for (const [key, at] of [
    ["b", 0],
    ["a", 0],
    ["a", 5],
  ] as const)
    await harness.pipe("amounts", key, tagged("x"), at);
  expect(harness.takeOutputs().map(show)).toEqual(['[-10,0] a="x" @0', '[-10,0] b="x" @0']);
  await harness.pipe("amounts", "c", tagged("x"), 20);
  expect(harness.takeOutputs().map(show)).toEqual(['[-5,5] a="xx" @5', '[1,11] a="x" @5']);
});

test("what a closed window holds later is not sent any more, also if its result still waits", async () => {
  const onCommit = await tags(2, 0, "on-commit");
  for (const [tag, at] of [
    ["a", 0],
    ["b", 1],
    ["c", 4],
    ["d", 2],
  ] as const)
    await onCommit.pipe("amounts", "k", tagged(tag), at);
  await onCommit.commit();
  expect(onCommit.outputs.map(show)).toContain('[1,3] k="b" @1');
  const onClose = await tags(2, 0, "on-close");
  for (const [tag, at] of [
    ["a", 0],
    ["b", 1],
    ["c", 4],
    ["d", 2],
  ] as const)
    onClose.push("amounts", "k", tagged(tag), at);
  await onClose.settle();
  expect(onClose.outputs.map(show)).toContain('[1,3] k="b" @1');
});

describe("against a naive model", () => {
  type Sent = readonly [key: string, at: number, amount: number];

  /** After each record: all windows by their definition, from the records that were accepted. A window counts while it is open. */
  function model(difference: number, grace: number, sent: readonly Sent[]) {
    let [streamTime, late] = [Number.NEGATIVE_INFINITY, 0];
    const accepted: Sent[] = [];
    const windows = new Map<string, number>();
    for (const record of sent) {
      const [key, at] = record;
      streamTime = Math.max(streamTime, at);
      if (at + difference + grace < streamTime) {
        late++;
        continue;
      }
      accepted.push(record);
      const own = accepted.filter((other) => other[0] === key);
      for (const start of own.flatMap(([, time]) => [time - difference, time + 1])) {
        const end = start + difference;
        const held = own.filter(([, time]) => time >= start && time <= end);
        if (held.length === 0 || end + grace < streamTime) continue;
        windows.set(
          `${start},${end} ${key}`,
          held.reduce((total, [, , amount]) => total + amount, 0),
        );
      }
    }
    return { windows, late };
  }

  test.each<Emit>(["every-change", "on-commit", "on-close"])(
    "%s: the last result of every window equals the model's",
    async (emit) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 12 }),
          fc.integer({ min: 0, max: 12 }),
          fc.array(
            fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: -20, max: 50 }), fc.integer({ min: 1, max: 1_000 })),
            { maxLength: 40 },
          ),
          fc.integer({ min: 1, max: 7 }),
          fc.integer({ min: 1, max: 4 }),
          async (difference, grace, sent, commitEvery, burst) => {
            const harness = await OperatorHarness.open((from) => {
              from(amounts)
                .window(sliding(`${difference} ms`, { grace: `${grace} ms` }))
                .aggregate(
                  "windows",
                  {
                    total: sum((value: Amount) => value.amount),
                    kinds: distinctCount((value: Amount) => value.amount),
                  },
                  { emit },
                )
                .to(out);
            });
            for (const [index, [key, at, amount]] of sent.entries()) {
              harness.push("amounts", key, { amount, tag: "" }, at);
              if (index % burst === 0) await harness.settle();
              if (index % commitEvery === 0) await harness.commit();
              if (index % (2 * commitEvery) === 0) harness.restart();
            }
            await harness.commit();
            const { late } = harness;
            await harness.pipe("amounts", "end", tagged(""), 10_000);
            await harness.commit();
            const results = new Map<string, number>();
            for (const { key, value, window } of harness.outputs) {
              if (key === "end") continue;
              const id = `${window!.startMs},${window!.endMs} ${String(key)}`;
              if (emit === "on-close") expect(results.has(id)).toBe(false);
              results.set(id, (value as { total: number }).total);
            }
            const expected = model(difference, grace, sent);
            expect(results).toEqual(expected.windows);
            expect(late).toBe(expected.late);
            const rest: unknown[] = [];
            for await (const [key] of (
              harness.store("windows") as never as { entries(): AsyncIterable<[string]> }
            ).entries())
              rest.push(key);
            expect(rest).toEqual(["end"]);
          },
        ),
        { numRuns: 150 },
      );
    },
  );
});
