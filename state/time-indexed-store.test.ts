import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Spending, spendingValues, textKeys, withLevelDisk } from "../bench/state-fixtures.ts";
import type { StateDisk } from "./disk.ts";
import { memoryDisk } from "./memory-disk.ts";
import type { TimeIndexedStore } from "./store.ts";
import { openTimeIndexedStore } from "./time-indexed-store.ts";

type Subject = TimeIndexedStore<string, Spending>;

const never = Number.POSITIVE_INFINITY;
const open = async (disk: StateDisk, cacheEntriesMax = 8) =>
  openTimeIndexedStore({
    name: "timers",
    database: await disk.open("store"),
    keys: textKeys,
    values: spendingValues,
    cacheEntriesMax,
  });
const at = (nextOffset: number) => ({ nextOffset, incarnation: "first", writtenAtMs: 1_000 });
const spent = (total: number) => ({ payments: 1, total });
const commit = async (store: Subject) => {
  store.seal();
  await store.applySealed(at(1));
};
const due = async (store: Subject, uptoMs: number, entriesMax = 100) =>
  (await store.due(uptoMs, entriesMax)).map(([key, , dueMs]) => `${key}@${dueMs}`);

const disks = [
  { name: "LevelDB", with: (run: (disk: StateDisk) => Promise<void>) => withLevelDisk(run), runs: 15 },
  { name: "memory", with: (run: (disk: StateDisk) => Promise<void>) => run(memoryDisk()), runs: 300 },
];

describe.each(disks)("a time-indexed store on $name", (subject) => {
  it("finds what is due, earliest first, at equal times by key", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      expect(store.earliestDueMs).toBe(never);
      store.put("c", spent(1), 1, 20);
      store.put("b", spent(1), 1, 20);
      store.put("z", spent(1), 1, 10.5);
      store.put("old", spent(1), 1, -5);
      store.put("idle", spent(1), 1, never);
      await commit(store);
      store.put("a", spent(1), 1, 20);
      store.put("y", spent(1), 1, 30);
      expect(store.earliestDueMs).toBe(-5);
      expect(await due(store, 20)).toEqual(["old@-5", "z@10.5", "a@20", "b@20", "c@20"]);
      expect(await due(store, 20, 2)).toEqual(["old@-5", "z@10.5"]);
      expect(await due(store, never)).toEqual(["old@-5", "z@10.5", "a@20", "b@20", "c@20", "y@30"]);
      expect(await due(store, -6)).toEqual([]);
      await store.close();
    }));

  it("returns an entry until it is deleted or due at another time, and knows at once when the next one is due", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      for (const [key, dueMs] of [
        ["a", 10],
        ["b", 20],
        ["c", 30],
      ] as const)
        store.put(key, spent(1), 1, dueMs);
      await commit(store);
      expect(await due(store, 20)).toEqual(["a@10", "b@20"]);
      expect(await due(store, 20)).toEqual(["a@10", "b@20"]);
      store.delete("a");
      expect(store.earliestDueMs).toBe(20);
      store.put("b", spent(2), 2, 40);
      expect(store.earliestDueMs).toBe(30);
      expect(await due(store, 40)).toEqual(["c@30", "b@40"]);
      store.put("c", spent(2), 2, never);
      expect(await due(store, 40)).toEqual(["b@40"]);
      await commit(store);
      await store.close();
      const again = await open(disk);
      expect(again.earliestDueMs).toBe(40);
      expect(await due(again, 40)).toEqual(["b@40"]);
      expect(again.get("c")).toEqual(spent(2));
      await again.close();
    }));

  it("finds again what was due before a discard", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put("a", spent(1), 1, 10);
      await commit(store);
      store.delete("a");
      store.put("b", spent(1), 1, 5);
      store.discard();
      expect(store.earliestDueMs).toBeLessThanOrEqual(10);
      expect(await due(store, 100)).toEqual(["a@10"]);
      expect(store.earliestDueMs).toBe(10);
      await store.close();
    }));

  it("finds all that are due at one time after it was opened again", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      for (const key of ["c", "a", "b"]) store.put(key, spent(1), 1, 20);
      await commit(store);
      await store.close();
      const again = await open(disk);
      expect(await due(again, 20)).toEqual(["a@20", "b@20", "c@20"]);
      await again.close();
    }));

  it("refuses a time that is none", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      expect(() => store.put("a", spent(1), 1, Number.NaN)).toThrow(TypeError);
      expect(() => store.put("a", spent(1), 1, Number.NEGATIVE_INFINITY)).toThrow(TypeError);
      expect(store.get("a")).toBeUndefined();
      await store.close();
    }));

  it("works off many timers in pieces, few of them in memory", () =>
    subject.with(async (disk) => {
      const store = await open(disk, 1_000);
      const timers = 12_000;
      const dueMs = (id: number) => (id * 7919) % 97;
      for (let id = 0; id < timers; id++) store.put(`t${id}`, spent(id), 1, dueMs(id));
      await commit(store);
      const seen = new Set<string>();
      let latest = Number.NEGATIVE_INFINITY;
      for (let round = 0; ; round++) {
        const found = await store.due(90, 1_000);
        if (found.length === 0) break;
        for (const [key, value, time] of found) {
          expect(time).toBeGreaterThanOrEqual(latest);
          expect(dueMs(value.total)).toBe(time);
          latest = time;
          seen.add(key);
          store.delete(key);
        }
        if (round % 3 === 0) await commit(store);
      }
      expect(seen.size).toBe(Array.from({ length: timers }, (_, id) => dueMs(id)).filter((time) => time <= 90).length);
      expect(store.earliestDueMs).toBe(91);
      await store.close();
    }));

  it("equals a Map whatever is done to it, also while it reads its index", () => {
    const key = fc.constantFrom("", "a", "b", "c", "ab", "d", "e", "f", "g");
    const dueMs = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constant(never));
    const change = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant("put" as const), key, total: fc.nat(99), dueMs }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), key }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("get" as const), key }) },
    );
    type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
    // So many microtasks later.
    const interruption = fc.tuple(
      fc.nat(12),
      fc.oneof({ weight: 8, arbitrary: change }, fc.record({ do: fc.constant("discard" as const) })),
    );
    const step = fc.oneof(
      { weight: 2, arbitrary: fc.record({ do: fc.constant("commit" as const) }) },
      { weight: 6, arbitrary: change },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("due" as const),
          upto: dueMs,
          max: fc.integer({ min: 1, max: 12 }),
          during: fc.array(interruption, { maxLength: 4 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constantFrom("seal" as const, "apply" as const, "applying" as const) }),
      },
      fc.record({ do: fc.constantFrom("discard" as const, "reopen" as const) }),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (steps, cache) =>
        subject.with(async (disk) => {
          let store = await open(disk, cache);
          const model = new TimerModel();
          let applying: Promise<void> | undefined;
          const apply = (action: Change) => {
            if (action.do === "put") {
              model.live.set(action.key, { total: action.total, dueMs: action.dueMs });
              store.put(action.key, spent(action.total), 1, action.dueMs);
            } else if (action.do === "delete") {
              model.live.delete(action.key);
              store.delete(action.key);
            } else {
              expect(store.get(action.key)?.total).toBe(model.live.get(action.key)?.total);
            }
          };
          for (const action of steps) {
            if (action.do === "put" || action.do === "delete" || action.do === "get") apply(action);
            else if (action.do === "due") {
              const reading = due(store, action.upto, action.max);
              if (action.during.length > 0) {
                for (const [later, change] of action.during) {
                  for (let tick = 0; tick < later; tick++) await null;
                  if (change.do !== "discard") apply(change);
                  else if (applying === undefined) {
                    store.discard();
                    model.discard();
                  }
                }
                await reading;
              }
              expect(await due(store, action.upto, action.max)).toEqual(model.due(action.upto, action.max));
            } else if (action.do === "seal") {
              if (applying === undefined && model.seal()) store.seal();
            } else if (action.do === "applying") {
              if (applying === undefined && model.apply()) applying = store.applySealed(at(1));
            } else {
              await applying;
              applying = undefined;
              if (action.do === "commit" && model.seal()) store.seal();
              if (action.do === "commit" && model.apply()) await store.applySealed(at(1));
              if (action.do === "apply" && model.apply()) await store.applySealed(at(1));
              if (action.do === "discard") store.discard();
              if (action.do === "reopen") {
                await store.close();
                store = await open(disk, cache);
              }
              if (action.do === "discard" || action.do === "reopen") model.discard();
            }
            expect(store.earliestDueMs).toBeLessThanOrEqual(model.earliest());
          }
          await applying;
          expect(await due(store, never, 1_000)).toEqual(model.due(never, 1_000));
          expect(store.earliestDueMs).toBe(model.earliest());
          const found: Record<string, number> = {};
          for await (const [key, value] of store.entries()) found[key] = value.total;
          expect(found).toEqual(Object.fromEntries([...model.live].map(([key, { total }]) => [key, total])));
          await store.close();
        }),
      ),
      { numRuns: subject.runs },
    );
  });
});

type Timers = Map<string, { readonly total: number; readonly dueMs: number }>;

class TimerModel {
  live: Timers = new Map();
  #committed: Timers = new Map();
  #sealed: Timers | undefined;

  due(uptoMs: number, entriesMax: number): string[] {
    const found = [...this.live].filter(([, { dueMs }]) => dueMs <= uptoMs && dueMs !== never);
    found.sort(([a, left], [b, right]) => left.dueMs - right.dueMs || (a < b ? -1 : 1));
    return found.slice(0, entriesMax).map(([key, { dueMs }]) => `${key}@${dueMs}`);
  }
  earliest(): number {
    return Math.min(never, ...[...this.live.values()].map(({ dueMs }) => dueMs));
  }
  seal(): boolean {
    if (this.#sealed !== undefined) return false;
    this.#sealed = new Map(this.live);
    return true;
  }
  apply(): boolean {
    if (this.#sealed === undefined) return false;
    this.#committed = this.#sealed;
    this.#sealed = undefined;
    return true;
  }
  discard(): void {
    this.live = new Map(this.#committed);
    this.#sealed = undefined;
  }
}
