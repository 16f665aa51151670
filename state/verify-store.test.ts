import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryChangelog, type Spending, spendingValues, textKeys, withLevelDisk } from "../bench/state-fixtures.ts";
import type { Database } from "./disk.ts";
import { checkpointKey, dataPrefix, dataRange, indexRange, readOrderedInteger, streamTimeKey } from "./key-layout.ts";
import { openKeyValueStore } from "./key-value-store.ts";
import { memoryDisk } from "./memory-disk.ts";
import type { Store } from "./store.ts";
import { openTimeIndexedStore } from "./time-indexed-store.ts";
import { type VerifyOptions, type VerifyResult, verifyStore } from "./verify-store.ts";
import { openWindowStore } from "./window-store.ts";

const HOUR = 3_600_000;
const KEPT_MS = 30;
const spent = (total: number): Spending => ({ payments: 1, total });
const options = (database: Database) => ({ name: "subject", database, keys: textKeys, values: spendingValues });

interface Change {
  readonly key: string;
  readonly timeMs: number;
  readonly total: number | null;
}

interface Kind {
  readonly name: string;
  readonly expires?: true;
  open(database: Database): Promise<{ readonly store: Store; change(change: Change): void }>;
}

const kinds: readonly Kind[] = [
  {
    name: "key-value",
    async open(database) {
      const store = await openKeyValueStore(options(database));
      return {
        store,
        change: ({ key, total, timeMs }) => (total === null ? store.delete(key) : store.put(key, spent(total), timeMs)),
      };
    },
  },
  {
    name: "window",
    expires: true,
    async open(database) {
      const store = await openWindowStore(options(database));
      return {
        store,
        change: ({ key, total, timeMs }) => {
          if (total === null) store.expireBefore(store.streamTimeMs - KEPT_MS + 1);
          else store.put(Math.floor(timeMs / 10) * 10, key, spent(total), timeMs);
        },
      };
    },
  },
  {
    name: "time-indexed",
    async open(database) {
      const store = await openTimeIndexedStore(options(database));
      return {
        store,
        change: ({ key, total, timeMs }) => {
          if (total === null) store.delete(key);
          else store.put(key, spent(total), timeMs, timeMs % 7 === 0 ? Infinity : timeMs + 100);
        },
      };
    },
  },
];

const change = fc.record({
  key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  timeMs: fc.integer({ min: -40, max: 90 }),
  total: fc.option(fc.integer({ min: 0, max: 9 }), { nil: null, freq: 4 }),
});
/** Each a transaction; the last ones may have reached the log and not this disk, and the log is compacted or not. */
const history = fc.record({
  commits: fc.array(fc.array(change, { maxLength: 8 }), { minLength: 1, maxLength: 8 }),
  ahead: fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 3 }),
  compacts: fc.boolean(),
});
type History = typeof history extends fc.Arbitrary<infer H> ? H : never;

interface Scene {
  readonly log: MemoryChangelog;
  readonly database: Database;
  verify(more?: Partial<VerifyOptions>): Promise<VerifyResult>;
}

async function sceneOf(kind: Kind, { commits, ahead, compacts }: History): Promise<Scene> {
  const disk = memoryDisk();
  const log = new MemoryChangelog();
  const database = await disk.open("store");
  const { store, change: apply } = await kind.open(database);
  const commit = (changes: readonly Change[]): number => {
    for (const each of changes) {
      store.streamTimeMs = each.timeMs;
      apply(each);
    }
    const records = store.seal();
    // As a commit does: the marker lies behind the checkpoint.
    return log.append(records) - 1;
  };
  for (const changes of commits) {
    const nextOffset = commit(changes);
    await store.applySealed({ nextOffset, incarnation: log.incarnation, writtenAtMs: 0 });
  }
  for (const changes of ahead) {
    commit(changes);
    store.discard();
  }
  if (compacts) log.compact();
  let replicas = 0;
  return {
    log,
    database,
    verify: (more) =>
      verifyStore({
        store: store.committed,
        openReader: async (upTo) => ({ ...log.reader(3, upTo), close: async () => undefined }),
        openReplica: async () => (await kind.open(await disk.open(`replica-${replicas++}`))).store,
        ...(kind.expires && { expiredBefore: (streamTimeMs: number) => streamTimeMs - KEPT_MS + 1 }),
        ...{ nowMs: HOUR, deleteRetentionMs: 168 * HOUR, marginMs: HOUR, expires: false },
        ...more,
      }),
  };
}

const entriesOf = async (database: Database) =>
  await Array.fromAsync(database.iterate({ gte: dataRange.gte!, lt: indexRange.lt! }));
const compared = (result: VerifyResult) => {
  if (result.status !== "compared") throw new Error(`it is ${result.status}`);
  return result;
};
const shown = ({ differences }: { differences: readonly { key: Buffer; stored?: Buffer | undefined }[] }) =>
  differences.map(({ key, stored }) => [key.toString("hex"), stored?.toString("hex")]);

describe.each(kinds)("verifying a $name store", (kind) => {
  it("finds nothing where commits have written it, whatever the log has beyond, and compacted or not", () =>
    fc.assert(
      fc.asyncProperty(history, async (events) => {
        const { verify, database } = await sceneOf(kind, events);
        const result = compared(await verify());
        expect(shown(result)).toEqual([]);
        const live = (await entriesOf(database)).filter(([key]) => key[0] === dataPrefix);
        if (!kind.expires) expect(result.entries).toBe(live.length);
      }),
    ));

  it("finds each entry that is dropped, changed by a byte, or added, and nothing else", () =>
    fc.assert(
      fc.asyncProperty(history, fc.nat(), fc.constantFrom("drop", "alter", "add"), async (events, at, how) => {
        const { verify, database, log } = await sceneOf(kind, { ...events, ahead: [], compacts: false });
        const streamTimeMs = database.getSync(streamTimeKey)?.readDoubleBE(0) ?? 0;
        const entries = (await entriesOf(database)).filter(
          ([key]) => !kind.expires || readOrderedInteger(key, 1) >= streamTimeMs - KEPT_MS + 1,
        );
        const [key, value] = entries[at % entries.length] ?? [];
        fc.pre(key !== undefined && value !== undefined && log.endOffset > 1);
        if (how === "drop") {
          await database.write([{ key, value: null }]);
          expect(shown(compared(await verify()))).toEqual([[key.toString("hex"), undefined]]);
        } else if (how === "alter") {
          const altered = Buffer.concat([value.subarray(0, -1), Buffer.from([((value.at(-1) ?? 0) + 1) % 256])]);
          await database.write([{ key, value: altered }]);
          expect(shown(compared(await verify()))).toEqual([[key.toString("hex"), altered.toString("hex")]]);
        } else {
          const added = Buffer.concat([key, Buffer.from("!")]);
          await database.write([{ key: added, value }]);
          expect(shown(compared(await verify()))).toEqual([[added.toString("hex"), value.toString("hex")]]);
        }
      }),
    ));
});

const [keyValue, window] = kinds as [Kind, Kind];
const plain: History = {
  commits: [[{ key: "a", timeMs: 5, total: 1 }], [{ key: "b", timeMs: 7, total: 2 }]],
  ahead: [],
  compacts: false,
};

describe("verifying a store", () => {
  it("compares the stream time too", async () => {
    const { verify, database } = await sceneOf(window, plain);
    const later = Buffer.alloc(8);
    later.writeDoubleBE(8);
    await database.write([{ key: streamTimeKey, value: later }]);
    expect(compared(await verify()).differences).toMatchObject([{ key: streamTimeKey, stored: later }]);
  });

  it("does not judge what compaction has replaced by a later record, and still finds what it has not", async () => {
    const { verify, database } = await sceneOf(keyValue, {
      commits: plain.commits,
      ahead: [[{ key: "a", timeMs: 6, total: 9 }]],
      compacts: true,
    });
    await database.write([{ key: Buffer.from("\u0001b"), value: Buffer.alloc(12) }]);
    const result = compared(await verify());
    expect(result).toMatchObject({ overtaken: 1, differing: 1, entries: 2 });
    expect(result.differences[0]!.key.toString()).toBe("\u0001b");
  });

  it("finds a wrong entry of a key that has changed again since", async () => {
    const { verify, database } = await sceneOf(keyValue, {
      ...plain,
      ahead: [[{ key: "a", timeMs: 8, total: 9 }]],
    });
    await database.write([{ key: Buffer.from("\u0001a"), value: Buffer.alloc(12) }]);
    expect(compared(await verify())).toMatchObject({ overtaken: 0, differing: 1 });
  });

  it("counts what retention has removed from the changelog apart", async () => {
    const { verify, database, log } = await sceneOf(keyValue, plain);
    const later = new MemoryChangelog("first", log.endOffset - 1);
    const [checkpoint] = [database.getSync(checkpointKey)];
    expect(checkpoint).toBeDefined();
    const reader = { ...later.reader(), close: async () => undefined };
    const result = compared(await verify({ openReader: async () => reader, expires: true }));
    expect(result).toMatchObject({ differing: 0, aged: 3 });
  });

  it("says that a rebuild would be refused where records are gone from a changelog that loses none", async () => {
    const { verify, log } = await sceneOf(keyValue, plain);
    const later = new MemoryChangelog("first", log.endOffset - 1);
    const openReader = async () => ({ ...later.reader(), close: async () => undefined });
    expect(await verify({ openReader })).toMatchObject({ status: "unrebuildable" });
  });

  it("says so where there is no checkpoint, or one of another log", async () => {
    const { verify, database } = await sceneOf(keyValue, plain);
    const other = new MemoryChangelog("second");
    other.append([{ key: Buffer.from("\u0001x"), value: Buffer.alloc(12) }]);
    const openReader = async () => ({ ...other.reader(), close: async () => undefined });
    expect(await verify({ openReader })).toMatchObject({ status: "distrusted", reason: "another incarnation" });
    await database.write([{ key: checkpointKey, value: null }]);
    expect(await verify()).toEqual({ status: "empty" });
  });

  it("counts more differences than it keeps", async () => {
    const { verify, database } = await sceneOf(keyValue, plain);
    await database.write(["x", "y", "z"].map((key) => ({ key: Buffer.from(`\u0001${key}`), value: Buffer.alloc(12) })));
    const result = compared(await verify({ differencesMax: 2 }));
    expect(result.differing).toBe(3);
    expect(result.differences).toHaveLength(2);
  });

  it("reads a LevelDB as one snapshot while commits go on", () =>
    withLevelDisk(async (disk) => {
      const log = new MemoryChangelog();
      const store = await openKeyValueStore(options(await disk.open("store")));
      const commit = async (round: number) => {
        for (let key = 0; key < 3_000; key++) store.put(`k${(key * 7 + round) % 4_000}`, spent(round), round);
        store.delete(`k${round}`);
        const nextOffset = log.append(store.seal()) - 1;
        await store.applySealed({ nextOffset, incarnation: log.incarnation, writtenAtMs: 0 });
      };
      for (let round = 0; round < 3; round++) await commit(round);
      let rounds = 3;
      const result = await verifyStore({
        store: store.committed,
        openReader: async (upTo) => ({ ...log.reader(500, upTo), close: async () => undefined }),
        openReplica: async () => await openKeyValueStore(options(await disk.open("replica"))),
        ...{ nowMs: HOUR, deleteRetentionMs: 168 * HOUR, marginMs: HOUR, expires: false },
        pace: async () => {
          if (rounds < 8) await commit(rounds++);
        },
      });
      expect(rounds).toBe(8);
      expect(compared(result)).toMatchObject({ differing: 0, overtaken: 0 });
      await store.close();
    }));

  it("can be interrupted", async () => {
    const { verify } = await sceneOf(keyValue, plain);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(verify({ signal })).rejects.toMatchObject({ code: "STATE_RESTORE_INTERRUPTED" });
  });
});
