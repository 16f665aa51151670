import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChangelogReader } from "../state/changelog.ts";
import type { Codec, KeyCodec } from "../state/codec.ts";
import type { StateDisk } from "../state/disk.ts";
import { levelDisk } from "../state/level-disk.ts";
import type { ChangelogRecord, WindowStore } from "../state/store.ts";

/** What benchmarks and tests of the state share. */

export const textKeys: KeyCodec<string> = {
  encode: (key) => Buffer.from(key),
  decode: (bytes) => bytes.toString(),
  token: (key) => key,
};

export interface Spending {
  payments: number;
  total: number;
}

export const spendingValues: Codec<Spending> = {
  write(value, out) {
    out.integer(value.payments);
    out.integer(value.total);
  },
  read: (input) => ({ payments: input.integer(), total: input.integer() }),
};

/** Runs something with a disk in a new directory, which is deleted afterwards. */
export async function withLevelDisk<T>(run: (disk: StateDisk, root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "mulgil-state-"));
  try {
    return await run(levelDisk(root), root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

export const windowOf = (at: number) => 1_760_000_000_000 + at * 60_000;

/** One payment of each key in each window, with a commit each 10,000 entries that is written while the next ones are made. */
export async function fillWindows(store: WindowStore<string, Spending>, keys: number, windows: number): Promise<void> {
  let applying: Promise<void> | undefined;
  let nextOffset = 0;
  for (let window = 0; window < windows; window++) {
    const startMs = windowOf(window);
    for (let at = 0; at < keys; at++) {
      const key = `customer-${at}`;
      const value = store.get(startMs, key) ?? { payments: 0, total: 0 };
      value.payments++;
      value.total += at;
      store.put(startMs, key, value, startMs + at);
      if (store.changedEntries < 10_000) continue;
      await applying;
      nextOffset += store.seal().length + 1;
      applying = store.applySealed({ nextOffset, incarnation: "bench", writtenAtMs: 0 });
    }
  }
  await applying;
  store.seal();
  await store.applySealed({ nextOffset, incarnation: "bench", writtenAtMs: 0 });
}

/** A changelog partition as Kafka keeps it: markers take offsets, compaction keeps the latest record of a key. */
export class MemoryChangelog {
  readonly incarnation: string;
  #records: { readonly offset: number; readonly record: ChangelogRecord }[] = [];
  #startOffset: number;
  #endOffset: number;

  constructor(incarnation = "first", startOffset = 0) {
    this.incarnation = incarnation;
    this.#startOffset = startOffset;
    this.#endOffset = startOffset;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  /** A transaction: the records and the marker behind them. Returns the offset after it. */
  append(records: readonly ChangelogRecord[]): number {
    for (const record of records) this.#records.push({ offset: this.#endOffset++, record });
    return ++this.#endOffset;
  }

  compact(): void {
    const latest = new Map(this.#records.map(({ offset, record }) => [record.key.toString("hex"), offset]));
    this.#records = this.#records.filter(({ offset, record }) => latest.get(record.key.toString("hex")) === offset);
  }

  purgeTombstones(): void {
    this.#records = this.#records.filter(({ record }) => record.value !== null);
  }

  /** What the log says that there is: the latest value of each key, as hexadecimal. */
  replay(): Map<string, string> {
    const contents = new Map<string, string>();
    for (const { record } of this.#records) {
      const key = record.key.toString("hex");
      if (record.value === null) contents.delete(key);
      else contents.set(key, record.value.toString("hex"));
    }
    return contents;
  }

  reader(recordsMax = 1000, upTo = Infinity): ChangelogReader {
    const endOffset = Math.min(this.#endOffset, upTo);
    return {
      topic: "test-changelog",
      partition: 0,
      incarnation: this.incarnation,
      startOffset: this.#startOffset,
      endOffset,
      read: async (offset) => {
        const first = firstAtOrAfter(this.#records, offset);
        const found = this.#records.slice(first, first + recordsMax);
        const isLast = first + recordsMax >= this.#records.length;
        return {
          records: found.flatMap(({ offset: at, record }) => (at < upTo ? [record] : [])),
          nextOffset: isLast ? endOffset : found.at(-1)!.offset + 1,
        };
      },
    };
  }
}

function firstAtOrAfter(records: readonly { readonly offset: number }[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
