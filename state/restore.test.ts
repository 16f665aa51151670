import { describe, expect, it } from "vitest";
import { MemoryChangelog, type Spending, spendingValues, textKeys, withLevelDisk } from "../bench/state-fixtures.ts";
import type { ChangelogReader } from "./changelog.ts";
import type { Database, StateDisk } from "./disk.ts";
import { openKeyValueStore } from "./key-value-store.ts";
import { memoryDisk } from "./memory-disk.ts";
import { type RestoreProgress, restoreStore } from "./restore.ts";
import type { KeyValueStore } from "./store.ts";
import { openTimeIndexedStore } from "./time-indexed-store.ts";
import { openWindowStore } from "./window-store.ts";

const hour = 3_600_000;
const limits = { deleteRetentionMs: 168 * hour, marginMs: hour, expires: false };
const options = (database: Database) => ({ name: "spending", database, keys: textKeys, values: spendingValues });
const open = async (disk: StateDisk, path = "store") => openKeyValueStore(options(await disk.open(path)));
const spent = (total: number): Spending => ({ payments: 1, total });
const contents = async (store: KeyValueStore<string, Spending>) => {
  const found: Record<string, number> = {};
  for await (const [key, value] of store.entries()) found[key] = value.total;
  return found;
};

/** A changelog that some other worker's store wrote: rounds of puts, and a delete in each. */
async function changelogOf(
  rounds: number,
  keysEach: number,
): Promise<{ log: MemoryChangelog; live: Record<string, number> }> {
  const log = new MemoryChangelog();
  const store = await open(memoryDisk());
  for (let round = 0; round < rounds; round++) {
    for (let key = 0; key < keysEach; key++)
      store.put(`k${(round * 7 + key) % (keysEach * 2)}`, spent(round * keysEach + key), round);
    store.delete(`k${round}`);
    store.streamTimeMs = round;
    const nextOffset = log.append(store.seal());
    await store.applySealed({ nextOffset, incarnation: log.incarnation, writtenAtMs: 0 });
  }
  return { log, live: await contents(store) };
}

const disks = [
  { name: "LevelDB", with: (run: (disk: StateDisk) => Promise<void>) => withLevelDisk(run) },
  { name: "memory", with: (run: (disk: StateDisk) => Promise<void>) => run(memoryDisk()) },
];

describe.each(disks)("a restore to $name", (subject) => {
  it("ends with the contents and the stream time of the store that wrote the changelog, at its end", () =>
    subject.with(async (disk) => {
      const { log, live } = await changelogOf(20, 50);
      const store = await open(disk);
      const result = await restoreStore({ store, reader: log.reader(7), nowMs: hour, ...limits });
      expect(result).toMatchObject({ from: 0, wipe: true, reason: "no checkpoint", entries: log.endOffset - 20 });
      expect(result.checkpoint).toEqual({ nextOffset: log.endOffset, incarnation: "first", writtenAtMs: hour });
      expect(await contents(store)).toEqual(live);
      expect(store.streamTimeMs).toBe(19);
      await store.close();
    }));

  it("goes on from a trusted checkpoint", () =>
    subject.with(async (disk) => {
      const { log } = await changelogOf(3, 10);
      const store = await open(disk);
      await restoreStore({ store, reader: log.reader(), nowMs: hour, ...limits });
      log.append([{ key: Buffer.from("\u0001k5"), value: null }]);
      const result = await restoreStore({ store, reader: log.reader(), nowMs: 2 * hour, ...limits });
      expect(result).toMatchObject({ wipe: false, reason: "trusted", entries: 1 });
      expect(store.get("k5")).toBeUndefined();
      const nothing = await restoreStore({ store, reader: log.reader(), nowMs: 3 * hour, ...limits });
      expect(nothing).toMatchObject({ from: log.endOffset, entries: 0, checkpoint: { writtenAtMs: 3 * hour } });
      await store.close();
    }));

  it("rebuilds from nothing what it cannot trust", () =>
    subject.with(async (disk) => {
      const { log, live } = await changelogOf(5, 10);
      const store = await open(disk);
      store.put("foreign", spent(1), 1);
      store.streamTimeMs = 1_000;
      store.seal();
      await store.applySealed({ nextOffset: 3, incarnation: "another", writtenAtMs: 0 });
      const result = await restoreStore({ store, reader: log.reader(), nowMs: hour, ...limits });
      expect(result).toMatchObject({ from: 0, wipe: true, reason: "another incarnation" });
      expect(await contents(store)).toEqual(live);
      expect(store.streamTimeMs).toBe(4);
      await store.close();
    }));

  it("cuts large reads into batches and joins small ones, and reports each", () =>
    subject.with(async (disk) => {
      const { log, live } = await changelogOf(6, 7_000);
      for (const recordsMax of [35_000, 900]) {
        const store = await open(disk, `store-${recordsMax}`);
        const progress: RestoreProgress[] = [];
        await restoreStore({
          store,
          reader: log.reader(recordsMax),
          nowMs: hour,
          ...limits,
          onProgress: (at) => progress.push(at),
        });
        expect(progress.length).toBeGreaterThan(1);
        expect(progress.at(-1)).toEqual({ done: log.endOffset, total: log.endOffset, entries: log.endOffset - 6 });
        expect(await contents(store)).toEqual(live);
        await store.close();
      }
    }));

  it("stops at an empty changelog, and at one with nothing but markers", () =>
    subject.with(async (disk) => {
      const log = new MemoryChangelog("first", 40);
      const store = await open(disk);
      const expiring = { ...limits, expires: true };
      expect(await restoreStore({ store, reader: log.reader(), nowMs: hour, ...expiring })).toMatchObject({
        from: 40,
        entries: 0,
      });
      log.append([]);
      const { checkpoint } = await restoreStore({ store, reader: log.reader(), nowMs: hour, ...expiring });
      expect(checkpoint.nextOffset).toBe(41);
      await store.close();
    }));

  it("is refused where the changelog has lost what it needs, and the store is left as it was", () =>
    subject.with(async (disk) => {
      const { log } = await changelogOf(3, 10);
      const store = await open(disk);
      await restoreStore({ store, reader: log.reader(), nowMs: hour, ...limits });
      const before = { checkpoint: store.checkpoint, contents: await contents(store) };
      const truncated = { ...log.reader(), startOffset: log.endOffset + 2, endOffset: log.endOffset + 3 };
      for (const expires of [false, true]) {
        await expect(
          restoreStore({ store, reader: truncated, nowMs: 2 * hour, ...limits, expires }),
        ).rejects.toMatchObject({ code: "STATE_CHANGELOG_TRUNCATED" });
      }
      expect({ checkpoint: store.checkpoint, contents: await contents(store) }).toEqual(before);
      await store.close();
    }));
});

describe("an interrupted restore", () => {
  const interrupted = {
    code: "STATE_RESTORE_INTERRUPTED",
    message: expect.stringContaining("goes on from where it stopped"),
  };

  it("keeps what it has, and the next one goes on from there", async () => {
    const disk = memoryDisk();
    const { log, live } = await changelogOf(6, 7_000);
    const stop = new AbortController();
    const store = await open(disk);
    const first = restoreStore({
      store,
      reader: log.reader(4_000),
      nowMs: hour,
      ...limits,
      signal: stop.signal,
      onProgress: ({ entries }) => entries >= 20_000 && stop.abort(),
    });
    await expect(first).rejects.toMatchObject(interrupted);
    await store.close();
    const again = await open(disk);
    expect(again.checkpoint).toMatchObject({ isPartial: true });
    const result = await restoreStore({ store: again, reader: log.reader(), nowMs: 2 * hour, ...limits });
    expect(result.wipe).toBe(false);
    expect(result.checkpoint.isPartial).toBeUndefined();
    expect(result.from).toBeGreaterThan(20_000);
    expect(await contents(again)).toEqual(live);
  });

  it("does not wait for a read that does not come", async () => {
    const { log } = await changelogOf(1, 10);
    const stop = new AbortController();
    const reader: ChangelogReader = { ...log.reader(), read: () => new Promise(() => stop.abort("shutdown")) };
    const store = await open(memoryDisk());
    await expect(restoreStore({ store, reader, nowMs: hour, ...limits, signal: stop.signal })).rejects.toMatchObject({
      ...interrupted,
      cause: "shutdown",
    });
  });

  it("touches nothing if it was interrupted before it began", async () => {
    const { log } = await changelogOf(1, 10);
    const store = await open(memoryDisk());
    store.put("a", spent(1), 1);
    store.seal();
    await store.applySealed({ nextOffset: 1, incarnation: "another", writtenAtMs: 0 });
    const signal = AbortSignal.abort();
    await expect(restoreStore({ store, reader: log.reader(), nowMs: hour, ...limits, signal })).rejects.toMatchObject(
      interrupted,
    );
    expect(store.get("a")).toEqual(spent(1));
  });

  it("is only trusted for as long as the tombstones that it has not read yet are kept", async () => {
    const disk = memoryDisk();
    const log = new MemoryChangelog();
    const writer = await open(memoryDisk());
    const begin = async (nowMs: number, offset: number) => {
      const store = await open(disk);
      let reads = 0;
      const stop = new AbortController();
      const reader = log.reader(4_000);
      const counted: ChangelogReader = {
        ...reader,
        read: (at) => (++reads > 5 ? new Promise(() => stop.abort()) : reader.read(at)),
      };
      await expect(
        restoreStore({ store, reader: counted, nowMs, ...limits, signal: stop.signal }),
      ).rejects.toMatchObject(interrupted);
      expect(store.checkpoint!.nextOffset).toBeGreaterThan(offset);
      await store.close();
    };
    for (let key = 0; key < 60_000; key++) writer.put(`k${key}`, spent(1), 1);
    log.append([...writer.seal()]);
    log.append([{ key: Buffer.from("\u0001k0"), value: null }]);
    await begin(0, 0);
    await begin(160 * hour, 12_000);
    // By now Kafka may have dropped the tombstone of k0, which the first part has restored.
    log.compact();
    log.purgeTombstones();
    const store = await open(disk);
    const result = await restoreStore({ store, reader: log.reader(), nowMs: 200 * hour, ...limits });
    expect(result.reason).toBe("too old");
    expect(store.get("k0")).toBeUndefined();
  });

  it("leaves an empty store, not a mixture, when it dies while the old contents are cleared", async () => {
    const disk = memoryDisk();
    const { log, live } = await changelogOf(3, 10);
    const database = await disk.open("store");
    const dies: Database = {
      path: database.path,
      getSync: (key) => database.getSync(key),
      write: (...changes) => database.write(...changes),
      clear: () => Promise.reject(new Error("killed")),
      iterate: (range) => database.iterate(range),
      close: () => database.close(),
    };
    const store = await openKeyValueStore(options(dies));
    store.put("old", spent(1), 1);
    store.seal();
    await store.applySealed({ nextOffset: 5, incarnation: "another", writtenAtMs: 0 });
    await expect(restoreStore({ store, reader: log.reader(), nowMs: hour, ...limits })).rejects.toThrow("killed");
    disk.abandon("store");
    const again = await open(disk);
    expect(await contents(again)).toEqual({});
    expect(again.checkpoint).toBeUndefined();
    await restoreStore({ store: again, reader: log.reader(), nowMs: hour, ...limits });
    expect(await contents(again)).toEqual(live);
  });
});

it("fails when the reader makes no progress, or fails", async () => {
  const { log } = await changelogOf(1, 10);
  const store = await open(memoryDisk());
  const stalled = { ...log.reader(), read: async (offset: number) => ({ records: [], nextOffset: offset }) };
  await expect(restoreStore({ store, reader: stalled, nowMs: hour, ...limits })).rejects.toMatchObject({
    code: "STATE_RESTORE_STALLED",
  });
  const broken = { ...log.reader(), read: () => Promise.reject(new Error("no broker")) };
  await expect(restoreStore({ store, reader: broken, nowMs: hour, ...limits })).rejects.toThrow("no broker");
});

it("takes the highest stream time, whoever wrote last", async () => {
  const store = await open(memoryDisk());
  const writer = await open(memoryDisk());
  const log = new MemoryChangelog();
  writer.streamTimeMs = 20;
  log.append(writer.seal());
  const zombie = await open(memoryDisk());
  zombie.streamTimeMs = 10;
  log.append(zombie.seal());
  await restoreStore({ store, reader: log.reader(1), nowMs: hour, ...limits });
  expect(store.streamTimeMs).toBe(20);
});

it("hides restored windows that the caller expires, and removes them with the next commit", async () => {
  const writer = await openWindowStore(options(await memoryDisk().open("store")));
  const log = new MemoryChangelog();
  for (const start of [0, 10, 20]) writer.put(start, "a", spent(start), start);
  writer.streamTimeMs = 25;
  log.append(writer.seal());
  const disk = memoryDisk();
  const store = await openWindowStore(options(await disk.open("store")));
  await restoreStore({ store, reader: log.reader(), nowMs: hour, ...limits });
  store.expireBefore(store.streamTimeMs - 10);
  expect([store.get(10, "a"), store.get(20, "a")]).toEqual([undefined, spent(20)]);
  store.seal();
  await store.applySealed({ nextOffset: 5, incarnation: "first", writtenAtMs: hour });
  await store.close();
  const again = await openWindowStore(options(await disk.open("store")));
  expect(again.get(10, "a")).toBeUndefined();
});

it("rebuilds the time index, also when a batch changes an entry more than once", async () => {
  const writer = await openTimeIndexedStore(options(await memoryDisk().open("store")));
  const log = new MemoryChangelog();
  for (const dueMs of [30, 10, 20]) {
    writer.put("a", spent(dueMs), 1, dueMs);
    writer.put("b", spent(dueMs), 1, dueMs + 1);
    if (dueMs === 20) writer.delete("b");
    const nextOffset = log.append(writer.seal());
    await writer.applySealed({ nextOffset, incarnation: "first", writtenAtMs: 0 });
  }
  for (const recordsMax of [1, 100]) {
    const store = await openTimeIndexedStore(options(await memoryDisk().open("store")));
    await restoreStore({ store, reader: log.reader(recordsMax), nowMs: hour, ...limits });
    expect(store.earliestDueMs).toBe(20);
    expect(await store.due(Number.POSITIVE_INFINITY, 10)).toEqual([["a", spent(20), 20]]);
  }
});
