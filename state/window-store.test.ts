import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Spending, spendingValues, textKeys, withLevelDisk } from "../bench/state-fixtures.ts";
import type { Database, StateDisk } from "./disk.ts";
import { dataRange } from "./key-layout.ts";
import { openKeyValueStore } from "./key-value-store.ts";
import { memoryDisk } from "./memory-disk.ts";
import type { WindowStore } from "./store.ts";
import { openWindowStore } from "./window-store.ts";

type Subject = WindowStore<string, Spending>;
type Row = readonly [startMs: number, key: string, total: number, eventTimeMs: number];

const on = (database: Database, cacheEntriesMax = 8) =>
  openWindowStore({ name: "spending", database, keys: textKeys, values: spendingValues, cacheEntriesMax });
const open = async (disk: StateDisk, cacheEntriesMax = 8) => on(await disk.open("store"), cacheEntriesMax);
const at = (nextOffset: number) => ({ nextOffset, incarnation: "first", writtenAtMs: 1_000 });
const spent = (total: number) => ({ payments: 1, total });
const scan = async (store: Subject, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY) => {
  const found: Row[] = [];
  for await (const [startMs, key, value, eventTimeMs] of store.scan(from, to))
    found.push([startMs, key, value.total, eventTimeMs]);
  return found;
};
const commit = async (store: Subject) => {
  store.seal();
  await store.applySealed(at(1));
};

const disks = [
  { name: "LevelDB", with: (run: (disk: StateDisk) => Promise<void>) => withLevelDisk(run), runs: 15 },
  { name: "memory", with: (run: (disk: StateDisk) => Promise<void>) => run(memoryDisk()), runs: 200 },
];

describe.each(disks)("a window store on $name", (subject) => {
  it("keeps the windows of a key apart, before 1970 too, and scans them by start", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put(-1_000, "b", spent(1), -5);
      store.put(0, "a", spent(2), 5);
      await commit(store);
      store.put(-1_000, "a", spent(3), -5);
      store.put(1_000, "a", spent(4), 1_005);
      expect(store.get(-1_000, "b")).toEqual(spent(1));
      expect(store.get(0, "b")).toBeUndefined();
      expect(await scan(store)).toEqual([
        [-1_000, "a", 3, -5],
        [-1_000, "b", 1, -5],
        [0, "a", 2, 5],
        [1_000, "a", 4, 1_005],
      ]);
      expect((await scan(store, -1_000, 0)).length).toBe(2);
      expect((await scan(store, -999, 1_000)).length).toBe(1);
      await store.close();
    }));

  it("takes a directory that a store of another kind has left for damaged, so that it is set aside", () =>
    subject.with(async (disk) => {
      const options = { name: "spending", keys: textKeys, values: spendingValues };
      const former = await openKeyValueStore({ ...options, database: await disk.open("store") });
      former.put("a", spent(1), 0);
      former.seal();
      await former.applySealed(at(1));
      await former.close();
      await expect(open(disk)).rejects.toMatchObject({ code: "STATE_CORRUPTED" });
    }));

  it("hides expired windows at once, removes them with the next commit, and keeps them out after that", () =>
    subject.with(async (disk) => {
      const database = await disk.open("store");
      const store = await on(database);
      for (const start of [0, 10, 20]) store.put(start, "a", spent(start), start);
      await commit(store);
      store.put(0, "b", spent(1), 1);
      store.put(20, "b", spent(1), 21);
      store.expireBefore(20);
      store.expireBefore(10);
      expect(store.get(10, "a")).toBeUndefined();
      expect(await scan(store)).toEqual([
        [20, "a", 20, 20],
        [20, "b", 1, 21],
      ]);
      expect(store.changedEntries).toBe(1);
      store.put(10, "a", spent(9), 10);
      expect(store.get(10, "a")).toBeUndefined();
      expect(store.seal().length).toBe(1);
      await store.applySealed(at(1));
      let left = 0;
      for await (const _ of database.iterate(dataRange)) left++;
      expect(left).toBe(2);
      await store.close();
      const again = await open(disk);
      again.put(10, "a", spent(9), 10);
      expect(again.get(10, "a")).toBeUndefined();
      expect((await scan(again)).length).toBe(2);
      await again.close();
    }));

  it("brings expired windows back with discard, as the log will", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put(0, "a", spent(1), 1);
      await commit(store);
      store.expireBefore(10);
      store.seal();
      store.discard();
      expect(store.get(0, "a")).toEqual(spent(1));
      await store.close();
    }));

  it("keeps an expiry out of the commit that was sealed before it", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put(0, "a", spent(1), 1);
      store.seal();
      store.expireBefore(10);
      await store.applySealed(at(1));
      expect(store.get(0, "a")).toBeUndefined();
      store.discard();
      expect(store.get(0, "a")).toEqual(spent(1));
      await store.close();
    }));

  it("finds in LevelDB what its cache has dropped of a window that began in memory", () =>
    subject.with(async (disk) => {
      const store = await open(disk, 4);
      const keys = Array.from({ length: 40 }, (_, id) => `k${id}`);
      for (const key of keys) store.put(0, key, spent(Number(key.slice(1))), 1);
      await commit(store);
      for (const key of [...keys, ...keys]) expect(store.get(0, key)?.total).toBe(Number(key.slice(1)));
      await store.close();
    }));

  it("removes what a restore brings back of windows that had expired", () =>
    subject.with(async (disk) => {
      const database = await disk.open("store");
      const store = await on(database);
      store.put(0, "a", spent(1), 1);
      const records = store.seal();
      await store.applySealed(at(1));
      store.expireBefore(10);
      await commit(store);
      await commit(store);
      await store.restore(records, at(2));
      await store.finishRestore();
      for await (const _ of database.iterate(dataRange)) throw new Error("an entry came back");
      await store.close();
    }));

  it("refuses a start that is no safe integer", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      for (const start of [0.5, Number.NaN, 2 ** 53])
        expect(() => store.put(start, "a", spent(1), 1)).toThrow(TypeError);
      await store.close();
    }));

  it("equals a Map whatever is done to it", () => {
    const start = fc.constantFrom(-20, -10, 0, 10, 20, 30);
    const key = fc.constantFrom("", "a", "b", "c", "ab", "d");
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant("put" as const), start, key, total: fc.nat(99), time: fc.nat(9) }),
      },
      { weight: 6, arbitrary: fc.record({ do: fc.constant("get" as const), start, key }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const), start }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("scan" as const), start, to: start }) },
      fc.record({ do: fc.constantFrom("seal" as const, "apply" as const, "discard" as const, "reopen" as const) }),
      { weight: 2, arbitrary: fc.record({ do: fc.constant("commit" as const) }) },
    );
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (steps, cache) =>
        subject.with(async (disk) => {
          let store = await open(disk, cache);
          const model = new WindowModel();
          for (const action of steps) {
            if (action.do === "put") {
              // As an operator does: it reads first, and so the event time never falls.
              store.get(action.start, action.key);
              store.put(action.start, action.key, spent(action.total), action.time);
              model.put(action.start, action.key, action.total, action.time);
            } else if (action.do === "get") {
              expect(store.get(action.start, action.key)?.total).toBe(model.get(action.start, action.key));
            } else if (action.do === "expire") {
              store.expireBefore(action.start);
              model.expire(action.start);
            } else if (action.do === "scan") {
              expect(await scan(store, action.start, action.to)).toEqual(model.scan(action.start, action.to));
            } else if (action.do === "seal") {
              if (model.seal()) store.seal();
            } else if (action.do === "apply") {
              if (model.apply()) await store.applySealed(at(1));
            } else if (action.do === "commit") {
              if (model.seal()) store.seal();
              if (model.apply()) await store.applySealed(at(1));
            } else {
              model.discard();
              if (action.do === "discard") store.discard();
              else {
                await store.close();
                store = await open(disk, cache);
              }
            }
          }
          const rows = model.scan(-100, 100);
          expect(await scan(store)).toEqual(rows);
          for (const [startMs, name, total] of rows) expect(store.get(startMs, name)?.total).toBe(total);
          await store.close();
        }),
      ),
      { numRuns: subject.runs },
    );
  });
});

interface Contents {
  readonly rows: Map<string, Row>;
  expiryMs: number;
}

const copy = ({ rows, expiryMs }: Contents): Contents => ({ rows: new Map(rows), expiryMs });

class WindowModel {
  #live: Contents = { rows: new Map(), expiryMs: Number.NEGATIVE_INFINITY };
  #committed = copy(this.#live);
  #sealed: Contents | undefined;

  put(startMs: number, key: string, total: number, timeMs: number): void {
    if (startMs < this.#live.expiryMs) return;
    const before = this.#live.rows.get(`${startMs}/${key}`)?.[3] ?? Number.NEGATIVE_INFINITY;
    this.#live.rows.set(`${startMs}/${key}`, [startMs, key, total, Math.max(before, timeMs)]);
  }
  get(startMs: number, key: string): number | undefined {
    return startMs < this.#live.expiryMs ? undefined : this.#live.rows.get(`${startMs}/${key}`)?.[2];
  }
  expire(startMs: number): void {
    this.#live.expiryMs = Math.max(this.#live.expiryMs, startMs);
  }
  scan(from: number, to: number): Row[] {
    const rows = [...this.#live.rows.values()].filter(
      ([start]) => start >= from && start < to && start >= this.#live.expiryMs,
    );
    return rows.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
  }
  seal(): boolean {
    if (this.#sealed !== undefined) return false;
    this.#sealed = copy(this.#live);
    return true;
  }
  apply(): boolean {
    if (this.#sealed === undefined) return false;
    this.#committed = this.#sealed;
    this.#sealed = undefined;
    return true;
  }
  discard(): void {
    this.#live = copy(this.#committed);
    this.#sealed = undefined;
  }
}

it("asks LevelDB for nothing in a window that is newer than what it has", async () => {
  const disk = memoryDisk();
  const first = await open(disk);
  first.put(0, "a", spent(1), 1);
  await commit(first);
  await first.close();
  const database = await disk.open("store");
  let reads = 0;
  const counted: Database = {
    ...wrap(database),
    getSync: (key) => {
      reads++;
      return database.getSync(key);
    },
  };
  const store = await on(counted, 1_000);
  reads = 0;
  store.get(10, "a");
  store.put(10, "b", spent(1), 11);
  await commit(store);
  store.get(10, "c");
  expect(reads).toBe(0);
  store.get(0, "a");
  store.get(0, "a");
  expect(reads).toBe(1);
});

it("clears again when the process died between the commit and the removal of what had expired", async () => {
  const disk = memoryDisk();
  const database = await disk.open("store");
  const dies = { ...wrap(database), clear: () => Promise.reject(new Error("killed")) };
  const store = await on(dies);
  store.put(0, "a", spent(1), 1);
  store.put(10, "a", spent(1), 1);
  await commit(store);
  store.expireBefore(10);
  await expect(commit(store)).rejects.toThrow("killed");
  disk.abandon("store");
  const after = await disk.open("store");
  const again = await on(after);
  expect(again.get(0, "a")).toBeUndefined();
  let left = 0;
  for await (const _ of after.iterate(dataRange)) left++;
  expect(left).toBe(1);
});

function wrap(database: Database): Database {
  return {
    path: database.path,
    getSync: (key) => database.getSync(key),
    write: (...changes) => database.write(...changes),
    clear: (range) => database.clear(range),
    iterate: (range) => database.iterate(range),
    close: () => database.close(),
  };
}
