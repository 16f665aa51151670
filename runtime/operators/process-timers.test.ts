import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amounts, longSchema, OperatorHarness, out, show, textSchema } from "./test-support.ts";

const tagged = (tag: string) => ({ amount: 0, tag });

/** A step that does what the tags say: "set 10" sets its timer, "cancel" cancels it; every firing is sent. */
const alarm = () =>
  OperatorHarness.open((from) => {
    from(amounts)
      .process("alarm", {
        timers: { bell: "stream-time" },
        output: textSchema,
        onRecord({ tag }, { timers, emit }) {
          const [verb, at] = tag.split(" ");
          if (verb === "set") timers.bell.set(Number(at));
          if (verb === "cancel") timers.bell.cancel();
          if (verb === "when") emit(String(timers.bell.atMs));
          if (verb === "hello") emit("hello");
        },
        onTimer({ name, atMs }, { emit, streamTimeMs }) {
          emit(`${name} of ${atMs} at ${streamTimeMs}`);
        },
      })
      .to(out);
  });

describe("a timer in stream time", () => {
  test("fires before the record that moves stream time to it, with its own time", async () => {
    const harness = await alarm();
    await harness.pipe("amounts", "a", tagged("set 10"), 1);
    await harness.pipe("amounts", "a", tagged("hello"), 9);
    await harness.pipe("amounts", "b", tagged("hello"), 10);
    expect(harness.outputs.map(show)).toEqual(['a="hello" @9', 'a="bell of 10 at 10" @10', 'b="hello" @10']);
  });

  test("set again is replaced, and cancelled does not fire", async () => {
    const harness = await alarm();
    await harness.pipe("amounts", "a", tagged("set 10"), 1);
    await harness.pipe("amounts", "a", tagged("set 20"), 2);
    await harness.pipe("amounts", "b", tagged("set 15"), 3);
    await harness.pipe("amounts", "b", tagged("cancel"), 4);
    await harness.pipe("amounts", "a", tagged("when"), 5);
    await harness.pipe("amounts", "b", tagged("when"), 5);
    await harness.pipe("amounts", "z", tagged("hello"), 30);
    expect(harness.outputs.map(show)).toEqual([
      'a="20" @5',
      'b="undefined" @5',
      'a="bell of 20 at 30" @20',
      'z="hello" @30',
    ]);
  });

  test("due ones fire in order of time, then key", async () => {
    const harness = await alarm();
    for (const [key, at] of [
      ["c", 10],
      ["a", 12],
      ["b", 10],
      ["d", 11],
    ] as const)
      await harness.pipe("amounts", key, tagged(`set ${at}`), 1);
    await harness.pipe("amounts", "z", tagged(""), 12);
    expect(harness.outputs.map(({ key }) => key)).toEqual(["b", "c", "d", "a"]);
  });

  test("that is in memory fires without suspending the task", async () => {
    const harness = await alarm();
    harness.push("amounts", "a", tagged("set 10"), 1);
    harness.push("amounts", "b", tagged("hello"), 10);
    expect(harness.outputs.map(show)).toEqual(['a="bell of 10 at 10" @10', 'b="hello" @10']);
  });

  test("due ones of one key and time fire in order of name", async () => {
    const harness = await OperatorHarness.open((from) => {
      from(amounts)
        .process("two", {
          timers: { y: "stream-time", x: "stream-time" },
          output: textSchema,
          onRecord: (_value, { timers, record }) => {
            timers.y.set(record.timestampMs + 10);
            timers.x.set(record.timestampMs + 10);
          },
          onTimer: ({ name }, { emit }) => emit(name),
        })
        .to(out);
    });
    for (const at of [0, 10]) await harness.pipe("amounts", "a", tagged(""), at);
    expect(harness.outputs.map(({ value }) => value)).toEqual(["x", "y"]);
  });

  test("survives a restart after its commit, and fires again if its firing was not committed", async () => {
    const harness = await alarm();
    await harness.pipe("amounts", "a", tagged("set 10"), 1);
    await harness.commit();
    harness.restart();
    await harness.pipe("amounts", "z", tagged(""), 10);
    harness.restart();
    await harness.pipe("amounts", "z", tagged(""), 10);
    await harness.commit();
    harness.restart();
    await harness.pipe("amounts", "z", tagged(""), 99);
    expect(harness.outputs.map(show)).toEqual(['a="bell of 10 at 10" @10', 'a="bell of 10 at 10" @10']);
  });

  test("set by onRecord for a time that has passed fires right behind the record", async () => {
    const harness = await alarm();
    await harness.pipe("amounts", "a", tagged("set 10"), 50);
    expect(harness.outputs.map(show)).toEqual(['a="bell of 10 at 50" @10']);
  });
});

test("a timer that sets itself again catches up within the step of time", async () => {
  const harness = await OperatorHarness.open((from) => {
    from(amounts)
      .process("ticks", {
        timers: { tick: "stream-time" },
        output: longSchema,
        onRecord: (_value, { timers, record }) => timers.tick.set(record.timestampMs + 10),
        onTimer: ({ atMs }, { timers, emit }) => {
          emit(atMs);
          if (atMs < 60) timers.tick.set(atMs + 10);
        },
      })
      .to(out);
  });
  await harness.pipe("amounts", "a", tagged(""), 0);
  await harness.pipe("amounts", "b", tagged(""), 45);
  expect(harness.outputs.map(({ value }) => value)).toEqual([10, 20, 30, 40]);
});

test("a timer that never stops setting itself for the past is cancelled with TIMER_LOOP, and the rest goes on", async () => {
  const harness = await OperatorHarness.open((from) => {
    from(amounts)
      .process("loop", {
        timers: { again: "stream-time" },
        output: textSchema,
        onRecord: ({ tag }, { timers, emit }) => {
          if (tag === "loop") timers.again.set(1);
          emit("alive");
        },
        onTimer: (_timer, { timers }) => timers.again.set(1),
      })
      .to(out);
  });
  await harness.pipe("amounts", "a", tagged("loop"), 5);
  await harness.pipe("amounts", "a", tagged(""), 6);
  expect(harness.failures).toMatchObject([{ step: "loop", key: "a", error: { code: "TIMER_LOOP" } }]);
  expect(harness.outputs.map(({ timestampMs }) => timestampMs)).toEqual([5, 6]);
});

describe("a timer on the wall", () => {
  const reminder = () =>
    OperatorHarness.open((from) => {
      from(amounts)
        .process("reminder", {
          timers: { remind: "wall-time" },
          output: textSchema,
          onRecord: (_value, { timers, wallClockMs }) => timers.remind.set(wallClockMs + 100),
          onTimer: ({ atMs }, { emit }) => emit(String(atMs)),
        })
        .to(out);
    });

  test("fires when the clock has reached it, and says when that is", async () => {
    const harness = await reminder();
    await harness.pipe("amounts", "a", tagged(""), 5);
    expect(harness.nextWallClockMs).toBe(1_000_100);
    await harness.advanceWallClock(1_000_099);
    expect(harness.outputs).toEqual([]);
    await harness.advanceWallClock(1_000_150);
    expect(harness.outputs.map(show)).toEqual(['a="1000100" @1000150']);
    expect(harness.nextWallClockMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("is not moved by stream time", async () => {
    const harness = await reminder();
    await harness.pipe("amounts", "a", tagged(""), 5);
    await harness.pipe("amounts", "b", tagged(""), 9_999_999);
    expect(harness.outputs).toEqual([]);
  });
});

test("timers fire as in a sorted model, across commits and restarts", async () => {
  type Step = readonly [key: string, at: number, timer: string, inMs: number | null];
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom("a", "b", "c"),
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom("x", "y"),
      fc.option(fc.integer({ min: -5, max: 30 })),
    ),
    { maxLength: 30 },
  );

  function model(sent: readonly Step[]): string[] {
    const fired: string[] = [];
    let timers: { key: string; name: string; at: number }[] = [];
    let streamTime = Number.NEGATIVE_INFINITY;
    const order = (a: (typeof timers)[0], b: (typeof timers)[0]) =>
      a.at - b.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.name < b.name ? -1 : 1);
    const fire = () => {
      for (;;) {
        const next = timers.filter(({ at }) => at <= streamTime).sort(order)[0];
        if (next === undefined) return;
        timers = timers.filter((timer) => timer !== next);
        fired.push(`${next.key} ${next.name} ${next.at}`);
        // As onTimer does: one more, of the other name.
        if (next.at % 4 === 0) {
          const name = next.name === "x" ? "y" : "x";
          timers = [
            ...timers.filter((timer) => timer.key !== next.key || timer.name !== name),
            { key: next.key, name, at: next.at + 3 },
          ];
        }
      }
    };
    for (const [key, at, name, inMs] of sent) {
      streamTime = Math.max(streamTime, at);
      fire();
      timers = timers.filter((timer) => timer.key !== key || timer.name !== name);
      if (inMs !== null) timers.push({ key, name, at: at + inMs });
      fire();
    }
    return fired;
  }

  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 6 }), async (sent, commitEvery) => {
      const harness = await OperatorHarness.open((from) => {
        from(amounts)
          .process("timers", {
            timers: { x: "stream-time", y: "stream-time" },
            output: textSchema,
            onRecord({ amount, tag }, { timers, record }) {
              const timer = timers[tag as "x" | "y"];
              if (Number.isNaN(amount)) timer.cancel();
              else timer.set(record.timestampMs + amount);
            },
            onTimer({ name, atMs }, { emit, timers }) {
              emit(`${name} ${atMs}`);
              if (atMs % 4 === 0) timers[name === "x" ? "y" : "x"].set(atMs + 3);
            },
          })
          .to(out);
      });
      for (const [index, [key, at, timer, inMs]] of sent.entries()) {
        await harness.pipe("amounts", key, { amount: inMs ?? Number.NaN, tag: timer }, at);
        if (index % commitEvery === 0) await harness.commit();
        if (index % (2 * commitEvery) === 0) harness.restart();
      }
      expect(harness.outputs.map(({ key, value }) => `${String(key)} ${String(value)}`)).toEqual(model(sent));
    }),
    { numRuns: 80 },
  );
});
