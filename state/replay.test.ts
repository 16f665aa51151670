import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryChangelog, type Spending, spendingValues, textKeys } from "../bench/state-fixtures.ts";
import type { ChangelogReader } from "./changelog.ts";
import type { Database } from "./disk.ts";
import { dataRange, indexRange, readOrderedDouble, readOrderedInteger, streamTimeKey } from "./key-layout.ts";
import { openKeyValueStore } from "./key-value-store.ts";
import { memoryDisk } from "./memory-disk.ts";
import { restoreStore } from "./restore.ts";
import type { ChangelogRecord, Store } from "./store.ts";
import { openTimeIndexedStore } from "./time-indexed-store.ts";
import { openWindowStore } from "./window-store.ts";

/** The invariant everything rests on: after each commit and each restore, a store is the replay of its changelog. */

interface Change {
  readonly key: string;
  /** A window start or a due time. */
  readonly timeMs: number;
  /** null deletes. */
  readonly total: number | null;
}

interface Subject {
  readonly name: string;
  open(database: Database, cacheEntriesMax: number): Promise<{ store: Store; change(change: Change): void }>;
}

const options = (database: Database, cacheEntriesMax: number) => ({
  name: "subject",
  database,
  keys: textKeys,
  values: spendingValues,
  cacheEntriesMax,
});
const spent = (total: number): Spending => ({ payments: 1, total });
const windowsKeptMs = 30;

const subjects: Subject[] = [
  {
    name: "a key-value store",
    async open(database, cache) {
      const store = await openKeyValueStore(options(database, cache));
      return {
        store,
        change: ({ key, total, timeMs }) => (total === null ? store.delete(key) : store.put(key, spent(total), timeMs)),
      };
    },
  },
  {
    name: "a window store",
    async open(database, cache) {
      const store = await openWindowStore(options(database, cache));
      return {
        store,
        change: ({ key, total, timeMs }) => {
          const start = Math.floor(timeMs / 10) * 10;
          if (total === null) store.expireBefore(store.streamTimeMs - windowsKeptMs);
          else store.put(start, key, spent((store.get(start, key)?.total ?? 0) + total), timeMs);
        },
      };
    },
  },
  {
    name: "a time-indexed store",
    async open(database, cache) {
      const store = await openTimeIndexedStore(options(database, cache));
      return {
        store,
        change: ({ key, total, timeMs }) =>
          total === null ? store.delete(key) : store.put(key, spent(total), 1, timeMs),
      };
    },
  },
];

const change = fc.record({
  key: fc.constantFrom("", "a", "b", "c", "d", "e", "f"),
  timeMs: fc.integer({ min: -50, max: 200 }),
  total: fc.option(fc.nat(99), { freq: 4 }),
});
const ends = [
  "commit",
  "commit",
  "commit",
  "abort",
  "diesBefore",
  "diesBetween",
  "diesAfter",
  "torn",
  "fails",
] as const;
const step = fc.record({
  changes: fc.array(change, { maxLength: 8 }),
  meanwhile: fc.array(change, { maxLength: 3 }),
  end: fc.constantFrom(...ends),
  compacts: fc.boolean(),
  losesDisk: fc.nat(9).map((chance) => chance === 0),
  interruptedAfterReads: fc.option(fc.nat(3)),
});

describe.each(subjects)("$name", (subject) => {
  it("is the replay of its changelog, whatever dies when", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 12 }), async (steps, cache) => {
        const run = new Run(subject, cache);
        await run.start(null);
        for (const one of steps) {
          await run.step(one);
          await run.expectReplay();
        }
      }),
      { numRuns: 250 },
    );
  });
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const path = "worker/store";

/** One worker, again and again, and the log that outlives it. */
class Run {
  readonly #subject: Subject;
  readonly #cacheEntriesMax: number;
  readonly #disk = memoryDisk();
  readonly #log = new MemoryChangelog();
  #database!: Database;
  #store!: Store;
  #change!: (change: Change) => void;

  constructor(subject: Subject, cacheEntriesMax: number) {
    this.#subject = subject;
    this.#cacheEntriesMax = cacheEntriesMax;
  }

  async start(interruptedAfterReads: number | null): Promise<void> {
    if (interruptedAfterReads !== null) {
      await this.#open();
      await restore(this.#store, interrupting(this.#log.reader(2), interruptedAfterReads));
      this.#disk.abandon("worker");
    }
    await this.#open();
    await restore(this.#store, { reader: this.#log.reader(3) });
  }

  async #open(): Promise<void> {
    this.#database = await this.#disk.open(path);
    const { store, change } = await this.#subject.open(this.#database, this.#cacheEntriesMax);
    this.#store = store;
    this.#change = change;
  }

  async step({ changes, meanwhile, end, compacts, losesDisk, interruptedAfterReads }: Step): Promise<void> {
    for (const one of changes) {
      this.#change(one);
      this.#store.streamTimeMs = one.timeMs;
    }
    const records = this.#store.seal();
    for (const one of meanwhile) this.#change(one);
    if (end === "abort") return this.#store.discard();
    if (end !== "diesBefore") await this.#commit(records, end, compacts);
    if (end === "fails") this.#store.discard();
    if (!end.startsWith("dies") && end !== "torn") return;
    this.#disk.abandon("worker");
    if (losesDisk) await this.#disk.remove(path);
    await this.start(interruptedAfterReads);
  }

  async #commit(records: readonly ChangelogRecord[], end: Step["end"], compacts: boolean): Promise<void> {
    const nextOffset = this.#log.append(records);
    if (compacts) this.#log.compact();
    const checkpoint = { nextOffset, incarnation: this.#log.incarnation, writtenAtMs: 0 };
    if (end === "torn") this.#disk.tearNextWrite(path);
    if (end === "fails") {
      this.#disk.failNextWrite(path, new Error("full"));
      await expect(this.#store.applySealed(checkpoint)).rejects.toThrow("full");
    }
    if (end !== "diesBetween") await this.#store.applySealed(checkpoint);
  }

  async expectReplay(): Promise<void> {
    const expected = this.#log.replay();
    const streamTime = expected.get(streamTimeKey.toString("hex"));
    expected.delete(streamTimeKey.toString("hex"));
    const streamTimeMs =
      streamTime === undefined ? Number.NEGATIVE_INFINITY : Buffer.from(streamTime, "hex").readDoubleBE();
    expect(this.#store.streamTimeMs).toBe(streamTimeMs);
    const stored = new Map<string, string>();
    for await (const [key, value] of this.#database.iterate(dataRange))
      stored.set(key.toString("hex"), value.toString("hex"));
    if (this.#subject.name === "a window store") {
      // The log keeps expired windows for longer, and the disk those that nothing has expired yet.
      for (const contents of [expected, stored]) dropExpired(contents, streamTimeMs - windowsKeptMs);
    }
    expect(stored).toEqual(expected);
    if (this.#subject.name === "a time-indexed store") await expectIndex(this.#database, stored);
  }
}

function dropExpired(contents: Map<string, string>, beforeMs: number): void {
  for (const key of contents.keys())
    if (readOrderedInteger(Buffer.from(key, "hex"), 1) < beforeMs) contents.delete(key);
}

async function expectIndex(database: Database, stored: ReadonlyMap<string, string>): Promise<void> {
  const index: string[] = [];
  for await (const [key] of database.iterate(indexRange)) index.push(`${readOrderedDouble(key, 1)} ${key.subarray(9)}`);
  const expected = [...stored].map(([key, value]) => {
    return `${Buffer.from(value, "hex").readDoubleBE(8)} ${Buffer.from(key, "hex").subarray(1)}`;
  });
  expect(index.sort()).toEqual(expected.sort());
}

async function restore(
  store: Store,
  { reader, signal }: { reader: ChangelogReader; signal?: AbortSignal },
): Promise<void> {
  const limits = { nowMs: 0, deleteRetentionMs: 1_000, marginMs: 1, expires: false };
  const restored = restoreStore({ store, reader, ...limits, ...(signal && { signal }) });
  if (signal === undefined) await restored;
  else await restored.catch((error) => expect(error.code).toBe("STATE_RESTORE_INTERRUPTED"));
}

function interrupting(reader: ChangelogReader, reads: number): { reader: ChangelogReader; signal: AbortSignal } {
  const stop = new AbortController();
  let count = 0;
  const read = async (offset: number) => {
    if (count++ === reads) stop.abort();
    return reader.read(offset);
  };
  return { reader: { ...reader, read }, signal: stop.signal };
}
