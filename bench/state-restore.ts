import { performance } from "node:perf_hooks";
import type { ChangelogReader } from "../state/changelog.ts";
import { windowKey } from "../state/key-layout.ts";
import { restoreStore } from "../state/restore.ts";
import type { ChangelogRecord } from "../state/store.ts";
import { openWindowStore } from "../state/window-store.ts";
import type { BenchRow } from "./bench-row.ts";
import { spendingValues, textKeys, windowOf, withLevelDisk } from "./state-fixtures.ts";
import { describeRuns, shuffle } from "./state-measure.ts";

const entries = 1_000_000;
const keys = 100_000;
const readEntries = 2_000;
const batchEntries = 10_000;
const keyBytes = 24;
const recordBytes = keyBytes + 40;
const runs = 5;

/** [engine.restore] Entries a second that a restore brings from a changelog in memory into an empty LevelDB on disk. */
export async function run(): Promise<BenchRow[]> {
  const log = makeLog();
  const restored: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < runs; round++) {
    raw.push(await measureRaw(log));
    restored.push(await measureRestore(log));
  }
  const bound = describeRuns(raw);
  const { median, spread } = describeRuns(restored);
  return [
    {
      name: "engine.restore",
      value: Math.round(median),
      unit: "entries/s",
      spread,
      bound: `${Math.round(bound.median)} entries/s: the same bytes in chained batches, without a store (${bound.spread})`,
      ratio: median / bound.median,
    },
  ];
}

/** A changelog in memory: the bytes of the records one behind the other, as they arrive from a broker, in random order. */
interface Log {
  read(offset: number): ChangelogRecord[];
}

/** 24-byte keys: the prefix, the start of the window and 15 bytes; 40-byte values. */
function makeLog(): Log {
  const bytes = Buffer.alloc(entries * recordBytes);
  const order = shuffle(Array.from({ length: entries }, (_, at) => at));
  order.forEach((id, at) => {
    const key = Buffer.from(`customer-${String(id % keys).padStart(6, "0")}`);
    const start = at * recordBytes;
    bytes.set(windowKey(windowOf(Math.floor(id / keys)), key), start);
    bytes.fill(id % 256, start + keyBytes, start + recordBytes);
    bytes.writeDoubleBE(windowOf(0) + id, start + keyBytes);
  });
  const read = (offset: number) => {
    const records: ChangelogRecord[] = [];
    for (let at = offset; at < Math.min(entries, offset + readEntries); at++) {
      const start = at * recordBytes;
      const key = bytes.subarray(start, start + keyBytes);
      records.push({ key, value: bytes.subarray(start + keyBytes, start + recordBytes) });
    }
    return records;
  };
  return { read };
}

const restoreOptions = { nowMs: 0, deleteRetentionMs: 604_800_000, marginMs: 3_600_000, expires: false };

function measureRestore(log: Log): Promise<number> {
  const reader: ChangelogReader = {
    topic: "bench",
    partition: 0,
    incarnation: "bench",
    startOffset: 0,
    endOffset: entries,
    read: async (offset) => {
      const records = log.read(offset);
      return { records, nextOffset: offset + records.length };
    },
  };
  return withLevelDisk(async (disk) => {
    const store = await openWindowStore({
      name: "bench",
      database: await disk.open("store"),
      keys: textKeys,
      values: spendingValues,
    });
    const started = performance.now();
    await restoreStore({ store, reader, ...restoreOptions });
    const took = performance.now() - started;
    await store.close();
    return (entries / took) * 1000;
  });
}

function measureRaw(log: Log): Promise<number> {
  return withLevelDisk(async (disk) => {
    const database = await disk.open("raw");
    const started = performance.now();
    let writing: Promise<void> | undefined;
    for (let at = 0; at < entries; at += batchEntries) {
      const batch = [];
      for (let from = at; from < at + batchEntries; from += readEntries) batch.push(log.read(from));
      await writing;
      writing = database.write(...batch);
    }
    await writing;
    const took = performance.now() - started;
    await database.close();
    return (entries / took) * 1000;
  });
}
