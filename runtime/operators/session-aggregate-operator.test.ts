import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accumulate, count, sum } from "../dsl/aggregators.ts";
import { type Emit, session } from "../dsl/windows.ts";
import { type Amount, amounts, OperatorHarness, out, show, textSchema } from "./test-support.ts";

const counting = (gap: number, grace: number, emit: Emit) =>
  OperatorHarness.open((from) => {
    const result = from(amounts)
      .window(session(`${gap} ms`, { grace: grace === 0 ? "none" : `${grace} ms` }))
      .aggregate("sessions", { n: count(), total: sum((value: Amount) => value.amount) }, { emit });
    result.map((value) => value.n).to(out);
    result.late.map(() => "late").to(out);
  });
const one = { amount: 1, tag: "" };

test("a session holds records whose neighbours are at most the gap apart", async () => {
  const harness = await counting(5, 100, "every-change");
  for (const at of [10, 15, 21]) await harness.pipe("amounts", "a", one, at);
  expect(harness.outputs.map(show)).toEqual([
    "[10,10] a=1 @10",
    "[10,10] a=null @10",
    "[10,15] a=2 @15",
    "[21,21] a=1 @21",
  ]);
});

test("a record between two sessions makes them one and withdraws both first", async () => {
  const harness = await counting(5, 100, "every-change");
  for (const at of [10, 20]) await harness.pipe("amounts", "a", one, at);
  harness.takeOutputs();
  await harness.pipe("amounts", "a", one, 15);
  expect(harness.outputs.map(show)).toEqual(["[10,10] a=null @10", "[20,20] a=null @20", "[10,20] a=3 @20"]);
});

test("a record inside a session replaces its result without withdrawing it", async () => {
  const harness = await counting(10, 100, "every-change");
  for (const at of [10, 20, 15]) await harness.pipe("amounts", "a", one, at);
  expect(harness.outputs.map(show).at(-1)).toBe("[10,20] a=3 @20");
  expect(harness.outputs.filter(({ value }) => value === null)).toHaveLength(1);
});

test("on commit, only what had been sent is withdrawn, before the new result", async () => {
  const harness = await counting(5, 100, "on-commit");
  for (const at of [10, 13]) await harness.pipe("amounts", "a", one, at);
  await harness.commit();
  expect(harness.takeOutputs().map(show)).toEqual(["[10,13] a=2 @13"]);
  for (const at of [16, 20]) await harness.pipe("amounts", "a", one, at);
  await harness.commit();
  expect(harness.takeOutputs().map(show)).toEqual(["[10,13] a=null @13", "[10,20] a=4 @20"]);
  await harness.commit();
  expect(harness.takeOutputs()).toEqual([]);
});

describe("a session is closed when its end + gap + grace < stream time", () => {
  test("a record that would be a closed session itself is late", async () => {
    const harness = await counting(5, 3, "every-change");
    await harness.pipe("amounts", "b", one, 100);
    await harness.pipe("amounts", "a", one, 92);
    await harness.pipe("amounts", "a", one, 91);
    await harness.pipe("amounts", "c", one, 91);
    const shown = harness.outputs.map(show);
    expect(shown).toContain("[92,92] a=1 @92");
    expect(shown).toContain("[91,92] a=2 @92");
    expect(shown).toContain('c="late" @91');
    expect(harness.late).toBe(1);
  });

  test("a closed session is never merged", async () => {
    const harness = await counting(5, 0, "every-change");
    await harness.pipe("amounts", "a", one, 10);
    await harness.pipe("amounts", "b", one, 16);
    await harness.pipe("amounts", "a", one, 14);
    expect(harness.outputs.map(show)).toEqual(["[10,10] a=1 @10", "[16,16] b=1 @16", "[14,14] a=1 @14"]);
  });

  test("on close, results come once in order of end and key", async () => {
    const harness = await counting(5, 0, "on-close");
    for (const [key, at] of [
      ["b", 10],
      ["a", 10],
      ["c", 12],
      ["a", 20],
      ["a", 21],
    ] as const)
      await harness.pipe("amounts", key, one, at);
    expect(harness.takeOutputs().map(show)).toEqual(["[10,10] a=1 @10", "[10,10] b=1 @10", "[12,12] c=1 @12"]);
    await harness.commit();
    await harness.pipe("amounts", "z", one, 26);
    expect(harness.takeOutputs()).toEqual([]);
    await harness.pipe("amounts", "z", one, 27);
    expect(harness.takeOutputs().map(show)).toEqual(["[20,21] a=2 @21"]);
  });
});

test("on close, thousands of results come in order of end although the sessions of a key lie in one entry", async () => {
  const harness = await counting(5, 1_000, "on-close");
  for (const at of [0, 90, 300]) await harness.pipe("amounts", "k0", one, at);
  for (let n = 1; n < 1_500; n++) await harness.pipe("amounts", `k${n}`, one, n % 2 === 0 ? 200 : 50);
  await harness.pipe("amounts", "end", one, 10_000);
  const order = harness.outputs.map(({ key, window }) => [window!.endMs, String(key)] as const);
  expect(order).toHaveLength(1_502);
  expect(order).toEqual(order.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)));
});

test("a merge function that throws leaves both sessions as they were", async () => {
  const harness = await OperatorHarness.open((from) => {
    const texts = accumulate({
      initial: () => "",
      add: (text: string, value: Amount) => text + value.tag,
      merge: (left: string, right: string) => {
        if (left.includes("!")) throw new Error("no");
        return `${left}+${right}`;
      },
      schema: textSchema,
    });
    from(amounts)
      .window(session("5 ms", { grace: "100 ms" }))
      .aggregate("sessions", { texts }, { emit: "on-commit" })
      .map((value) => value.texts)
      .to(out);
  });
  for (const [tag, at] of [
    ["a!", 0],
    ["b", 8],
    ["c", 16],
    ["d", 4],
    ["e", 12],
  ] as const) {
    await harness.pipe("amounts", "k", { amount: 0, tag }, at);
  }
  await harness.commit();
  expect(harness.outputs.map(show)).toEqual(['[0,0] k="a!" @0', '[8,16] k="b+ce" @16']);
  expect(harness.failures).toMatchObject([{ step: "sessions", error: { message: "no" } }]);
});

describe("against a naive model", () => {
  type Sent = readonly [key: string, at: number, amount: number];
  interface Group {
    from: number;
    to: number;
    total: number;
    isOver: boolean;
  }

  /** Groups all records that were accepted anew for each record; closed groups stay as they are. */
  function model(gap: number, grace: number, sent: readonly Sent[]) {
    let [streamTime, late] = [Number.NEGATIVE_INFINITY, 0];
    const open = new Map<string, Sent[]>();
    const over = new Map<string, number>();
    const groupsOf = (records: readonly Sent[]): Group[] => {
      const groups: Group[] = [];
      for (const [, at, amount] of [...records].sort((a, b) => a[1] - b[1])) {
        const last = groups.at(-1);
        if (last !== undefined && at - last.to <= gap) {
          last.to = at;
          last.total += amount;
        } else groups.push({ from: at, to: at, total: amount, isOver: false });
      }
      for (const group of groups) group.isOver = group.to + gap + grace < streamTime;
      return groups;
    };
    for (const record of sent) {
      const [key, at] = record;
      streamTime = Math.max(streamTime, at);
      for (const [other, records] of open) {
        const closed = groupsOf(records).filter(({ isOver }) => isOver);
        for (const { from, to, total } of closed) over.set(`${from},${to} ${other}`, total);
        open.set(
          other,
          records.filter(([, time]) => !closed.some(({ from, to }) => time >= from && time <= to)),
        );
      }
      const records = [...(open.get(key) ?? []), record];
      if (groupsOf(records).some(({ from, to, isOver }) => isOver && from <= at && at <= to)) late++;
      else open.set(key, records);
    }
    const all = new Map(over);
    for (const [key, records] of open)
      for (const { from, to, total } of groupsOf(records)) all.set(`${from},${to} ${key}`, total);
    return { sessions: all, late };
  }

  test.each<Emit>(["every-change", "on-commit", "on-close"])(
    "%s: what is not withdrawn equals the model",
    async (emit) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 8 }),
          fc.integer({ min: 0, max: 10 }),
          fc.array(
            fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: -30, max: 60 }), fc.integer({ min: 1, max: 9 })),
            { maxLength: 40 },
          ),
          fc.integer({ min: 1, max: 7 }),
          fc.integer({ min: 1, max: 4 }),
          async (gap, grace, sent, commitEvery, burst) => {
            const harness = await OperatorHarness.open((from) => {
              from(amounts)
                .window(session(`${gap} ms`, { grace: `${grace} ms` }))
                .aggregate("sessions", { total: sum((value: Amount) => value.amount) }, { emit })
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
            await harness.pipe("amounts", "end", one, 10_000);
            await harness.commit();
            const live = new Map<string, number>();
            for (const { key, value, window } of harness.outputs) {
              if (key === "end") continue;
              const id = `${window!.startMs},${window!.endMs} ${String(key)}`;
              if (value === null) {
                expect(live.delete(id), `${id} was withdrawn without having been sent`).toBe(true);
              } else {
                if (emit === "on-close") expect(live.has(id)).toBe(false);
                live.set(id, (value as { total: number }).total);
              }
            }
            const expected = model(gap, grace, sent);
            expect(live).toEqual(expected.sessions);
            expect(late).toBe(expected.late);
            // What is over is forgotten.
            const rest: unknown[] = [];
            for await (const [key] of (
              harness.store("sessions") as never as { entries(): AsyncIterable<[string]> }
            ).entries())
              rest.push(key);
            expect(rest).toEqual(["end"]);
          },
        ),
        { numRuns: 80 },
      );
    },
  );
});
