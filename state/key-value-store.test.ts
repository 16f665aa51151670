import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Spending, spendingValues, textKeys, withLevelDisk } from "../bench/state-fixtures.ts";
import type { StateDisk } from "./disk.ts";
import { checkpointKey } from "./key-layout.ts";
import { openKeyValueStore } from "./key-value-store.ts";
import { memoryDisk } from "./memory-disk.ts";
import type { KeyValueStore } from "./store.ts";

type Subject = KeyValueStore<string, Spending>;

const open = async (disk: StateDisk, path = "store", cacheEntriesMax = 8) =>
  openKeyValueStore({
    name: "spending",
    database: await disk.open(path),
    keys: textKeys,
    values: spendingValues,
    cacheEntriesMax,
  });
const at = (nextOffset: number) => ({ nextOffset, incarnation: "first", writtenAtMs: 1_000 });
const spent = (total: number) => ({ payments: 1, total });
const contents = async (store: Subject) => {
  const found: Record<string, number> = {};
  for await (const [key, value] of store.entries()) {
    expect(Object.hasOwn(found, key)).toBe(false);
    found[key] = value.total;
  }
  return found;
};
const commit = async (store: Subject, offset = 1) => {
  const records = store.seal();
  await store.applySealed(at(offset));
  return records;
};

const disks = [
  { name: "LevelDB", with: (run: (disk: StateDisk) => Promise<void>) => withLevelDisk(run), runs: 15 },
  { name: "memory", with: (run: (disk: StateDisk) => Promise<void>) => run(memoryDisk()), runs: 150 },
];

describe.each(disks)("a key-value store on $name", (subject) => {
  it("reads the active overlay, then the sealed one, then LevelDB", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put("a", spent(1), 10);
      expect(store.get("a")).toEqual(spent(1));
      store.seal();
      expect(store.get("a")).toEqual(spent(1));
      store.put("a", spent(2), 20);
      expect(store.get("a")).toEqual(spent(2));
      expect(store.changedEntries).toBe(1);
      await store.applySealed(at(1));
      expect(store.get("a")).toEqual(spent(2));
      await store.close();
      const again = await open(disk);
      expect(again.get("a")).toEqual(spent(1));
      expect(again.checkpoint).toEqual(at(1));
      await again.close();
    }));

  it("deletes from all layers", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put("a", spent(1), 10);
      await commit(store);
      store.delete("a");
      expect(store.get("a")).toBeUndefined();
      expect(await contents(store)).toEqual({});
      const records = await commit(store);
      expect(records).toEqual([{ key: Buffer.from("\u0001a"), value: null }]);
      expect(store.get("a")).toBeUndefined();
      await store.close();
      const again = await open(disk);
      expect(again.get("a")).toBeUndefined();
      await again.close();
    }));

  it("drops both overlays with discard, and what was changed in place", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put("a", spent(1), 10);
      store.streamTimeMs = 10;
      await commit(store);
      const value = store.get("a")!;
      value.total = 2;
      store.put("a", value, 20);
      store.streamTimeMs = 20;
      store.seal();
      value.total = 3;
      store.put("a", value, 30);
      store.discard();
      expect(store.get("a")).toEqual(spent(1));
      expect(store.streamTimeMs).toBe(10);
      expect(store.changedEntries).toBe(0);
      expect(store.seal()).toEqual([]);
      await store.close();
    }));

  it("makes bytes at seal: a value may change in place before and after", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      const value = spent(1);
      store.put("a", value, 10);
      value.total = 2;
      store.seal();
      value.total = 3;
      await store.applySealed(at(1));
      store.discard();
      expect(store.get("a")).toEqual(spent(2));
      await store.close();
    }));

  it("never overwrites what a seal returned", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      const sealed = [];
      for (let round = 0; round < 20; round++) {
        for (let key = 0; key < 500; key++)
          store.put(`${"k".repeat(key === 7 ? 300_000 : 50)}${key}`, spent(round), round);
        const records = await commit(store, round);
        sealed.push({
          records,
          copy: records.map(({ key, value }) => `${key.toString("hex")}=${value?.toString("hex")}`),
        });
      }
      for (const { records, copy } of sealed) {
        expect(records.map(({ key, value }) => `${key.toString("hex")}=${value?.toString("hex")}`)).toEqual(copy);
      }
      await store.close();
    }));

  it("keeps the latest event time of an entry in memory, and forgets it with a delete", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      const changed = () => {
        const found: (readonly [string, number | undefined, number])[] = [];
        store.forEachChanged((key, value, eventTimeMs) => found.push([key, value?.total, eventTimeMs]));
        return found;
      };
      store.put("a", spent(1), 20);
      store.put("a", spent(2), 10);
      expect(changed()).toEqual([["a", 2, 20]]);
      await commit(store);
      expect(changed()).toEqual([]);
      store.put("a", spent(3), 15);
      expect(changed()).toEqual([["a", 3, 20]]);
      store.delete("a");
      expect(changed()).toEqual([["a", undefined, Number.NEGATIVE_INFINITY]]);
      store.put("a", spent(4), 5);
      expect(changed()).toEqual([["a", 4, 5]]);
      await store.close();
    }));

  it("keeps the stream time, which never falls, with the commit", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      expect(store.streamTimeMs).toBe(Number.NEGATIVE_INFINITY);
      store.streamTimeMs = 50;
      store.streamTimeMs = 40;
      expect(store.streamTimeMs).toBe(50);
      expect((await commit(store)).length).toBe(1);
      expect((await commit(store)).length).toBe(0);
      await store.close();
      const again = await open(disk);
      expect(again.streamTimeMs).toBe(50);
      await again.close();
    }));

  it("refuses calls that would mix two commits", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put("a", spent(1), 1);
      store.seal();
      expect(() => store.seal()).toThrow(expect.objectContaining({ code: "STATE_SEALED" }));
      await expect(store.restore([], at(1))).rejects.toMatchObject({ code: "STATE_UNSAVED" });
      await expect(store.clear()).rejects.toMatchObject({ code: "STATE_UNSAVED" });
      const applying = store.applySealed(at(1));
      expect(() => store.discard()).toThrow(expect.objectContaining({ code: "STATE_APPLYING" }));
      await expect(store.applySealed(at(2))).rejects.toMatchObject({ code: "STATE_APPLYING" });
      await applying;
      await expect(store.restore([{ key: Buffer.from("x"), value: null }], at(1))).rejects.toMatchObject({
        code: "STATE_CHANGELOG_INVALID",
      });
      await store.close();
    }));

  it("leaves the active overlay as it is when a value cannot be encoded", () =>
    subject.with(async (disk) => {
      const store = await open(disk);
      store.put("a", spent(1), 1);
      store.put("b", null as unknown as Spending, 1);
      expect(() => store.seal()).toThrow(TypeError);
      expect(store.changedEntries).toBe(2);
      store.put("b", spent(2), 1);
      expect((await commit(store)).length).toBe(2);
      await store.close();
    }));

  it("equals a Map whatever is done to it", () => {
    const key = fc.constantFrom("", "a", "b", "c", "ab", "한국", "z", "zz", "y", "x", "w", "v", "u", "t");
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), key, total: fc.nat(99) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), key }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("get" as const), key }) },
      fc.record({
        do: fc.constantFrom("seal" as const, "apply" as const, "discard" as const, "scan" as const, "reopen" as const),
      }),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, cache) =>
        subject.with(async (disk) => {
          let store = await open(disk, "store", cache);
          let committed = new Map<string, number>();
          let live = new Map<string, number>();
          let sealed: Map<string, number> | undefined;
          for (const action of steps) {
            if (action.do === "put") {
              live.set(action.key, action.total);
              store.put(action.key, spent(action.total), 1);
            } else if (action.do === "delete") {
              live.delete(action.key);
              store.delete(action.key);
            } else if (action.do === "get") {
              expect(store.get(action.key)?.total).toBe(live.get(action.key));
            } else if (action.do === "scan") {
              expect(await contents(store)).toEqual(Object.fromEntries(live));
            } else if (action.do === "seal" && sealed === undefined) {
              sealed = new Map(live);
              store.seal();
            } else if (action.do === "apply" && sealed !== undefined) {
              await store.applySealed(at(1));
              committed = sealed;
              sealed = undefined;
            } else if (action.do === "discard" || action.do === "reopen") {
              sealed = undefined;
              live = new Map(committed);
              if (action.do === "discard") store.discard();
              else {
                await store.close();
                store = await open(disk, "store", cache);
              }
            }
          }
          for (const one of ["", "a", "b", "c", "한국", "zz", "t"]) expect(store.get(one)?.total).toBe(live.get(one));
          expect(await contents(store)).toEqual(Object.fromEntries(live));
          await store.close();
        }),
      ),
      { numRuns: subject.runs },
    );
  });
});

it("closes a database whose meta entries cannot be read, so that it can be moved aside", async () => {
  const disk = memoryDisk();
  const database = await disk.open("store");
  await database.write([{ key: checkpointKey, value: Buffer.from("?") }]);
  await database.close();
  await expect(open(disk)).rejects.toMatchObject({ code: "STATE_CORRUPTED" });
  await disk.quarantine("store", "unreadable");
  expect((await open(disk)).checkpoint).toBeUndefined();
});

it("leaves the sealed overlay in place when the disk is full, so that it can be written later", async () => {
  const disk = memoryDisk();
  const store = await open(disk);
  store.put("a", spent(1), 1);
  store.seal();
  disk.failNextWrite("store", new Error("No space left on device"));
  await expect(store.applySealed(at(1))).rejects.toMatchObject({ message: "No space left on device" });
  expect(store.checkpoint).toBeUndefined();
  expect(store.get("a")).toEqual(spent(1));
  expect(() => store.seal()).toThrow(expect.objectContaining({ code: "STATE_SEALED" }));
  await store.applySealed(at(1));
  store.discard();
  expect(store.get("a")).toEqual(spent(1));
});

it("goes on while a commit is being written, and reads neither too little nor too much meanwhile", () =>
  withLevelDisk(async (disk) => {
    const store = await open(disk, "store", 100);
    const live = new Map<string, number>();
    for (let round = 0; round < 30; round++) {
      for (let at = 0; at < 200; at++) {
        const key = `k${(round * 37 + at * 13) % 301}`;
        if (at % 7 === 0) {
          store.delete(key);
          live.delete(key);
        } else {
          store.put(key, spent(round * 1000 + at), round);
          live.set(key, round * 1000 + at);
        }
      }
      store.seal();
      const applying = store.applySealed(at(round));
      const expected = Object.fromEntries(live);
      const reading = contents(store);
      store.put("late", spent(round), round);
      store.delete(`k${round}`);
      expect(await reading).toEqual(expected);
      live.set("late", round);
      live.delete(`k${round}`);
      await applying;
      expect(await contents(store)).toEqual(Object.fromEntries(live));
    }
    await store.close();
  }));
