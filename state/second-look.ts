import type { ClosableReader } from "./changelog.ts";
import type { Difference } from "./differences.ts";
import { dataKey, indexPrefix, timedKeyOffset } from "./key-layout.ts";
import type { ChangelogRecord } from "./store.ts";

/** What a changelog says of some keys. */
interface Look {
  /** Before the checkpoint: the latest value, null where that is a tombstone. */
  readonly before: ReadonlyMap<string, Buffer | null>;
  /** Keys with a record behind the checkpoint. */
  readonly after: ReadonlySet<string>;
}

/**
 * Looks at what differs once more: compaction may have replaced a record before the checkpoint by one behind it, before the first look or during it. Such
 * entries are neither right nor wrong. What the changelog says alike twice stands.
 */
export async function settle(
  differences: readonly Difference[],
  checkpointOffset: number,
  openReader: (upTo?: number) => Promise<ClosableReader>,
): Promise<{ readonly differences: readonly Difference[]; readonly overtaken: number }> {
  if (differences.length === 0) return { differences, overtaken: 0 };
  const keys = new Set(differences.map(({ key }) => idOf(dataKeyOf(key))));
  const before = new Map<string, Buffer | null>();
  await eachRecord(await openReader(checkpointOffset), 0, ({ key, value }) => {
    const id = idOf(key);
    if (keys.has(id)) before.set(id, value);
  });
  const after = new Set<string>();
  await eachRecord(await openReader(), checkpointOffset, ({ key }) => {
    const id = idOf(key);
    if (keys.has(id)) after.add(id);
  });
  const standing = differences.filter((difference) => !isOvertaken(difference, { before, after }));
  return { differences: standing, overtaken: differences.length - standing.length };
}

function isOvertaken({ key, replayed }: Difference, { before, after }: Look): boolean {
  const id = idOf(dataKeyOf(key));
  if (!after.has(id)) return false;
  if (!before.has(id)) return true;
  // The time index is derived: it stands as long as its entry's record does.
  if (key[0] === indexPrefix) return false;
  const now = before.get(id) ?? undefined;
  return now === undefined || replayed === undefined ? now !== replayed : !now.equals(replayed);
}

async function eachRecord(
  reader: ClosableReader,
  from: number,
  visit: (record: ChangelogRecord) => void,
): Promise<void> {
  try {
    for (let offset = Math.max(from, reader.startOffset); offset < reader.endOffset; ) {
      const read = await reader.read(offset);
      for (const record of read.records) visit(record);
      offset = read.nextOffset;
    }
  } finally {
    await reader.close();
  }
}

/** The entry that an entry of the time index belongs to. */
const dataKeyOf = (key: Buffer): Buffer => (key[0] === indexPrefix ? dataKey(key.subarray(timedKeyOffset)) : key);

const idOf = (key: Buffer): string => key.toString("latin1");
