import type { Isolation, LogAccess, PartitionOffset } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { keyHash } from "../../worker/key-hash.ts";

/** The first record from a position on, and what lies behind it, as far as one fetch brought it. */
export interface HeadRecord extends PartitionOffset {
  readonly timestampMs: number;
  /** Undefined if it has no key. */
  readonly keyHash: string | undefined;
  readonly sample: KeySample;
}

/** How often keys occur in a part of a partition. */
export interface KeySample {
  /** With a key, or without. */
  readonly records: number;
  /** Of the key that occurs most often; undefined if none has one. */
  readonly mostFrequent: { readonly keyHash: string; readonly records: number } | undefined;
}

const POLL_WAIT_MS = 500;
const SAMPLE_RECORDS_MAX = 1_000;

export interface HeadRecordsOptions {
  readonly log: Pick<LogAccess, "openReader">;
  readonly clock: Clock;
  readonly positions: readonly PartitionOffset[];
  readonly isolation: Isolation;
  /** What has not come by then is left out. */
  readonly waitMaxMs: number;
}

/** Reads all of them with one reader, each partition once. A position behind which nothing can be read is left out. */
export async function headRecords(options: HeadRecordsOptions): Promise<readonly HeadRecord[]> {
  const { log, clock, positions, isolation, waitMaxMs } = options;
  if (positions.length === 0) return [];
  const waiting = new Set(positions.map(keyOf));
  const heads: HeadRecord[] = [];
  const untilMs = clock.now() + waitMaxMs;
  const reader = await log.openReader({ isolation });
  try {
    reader.assign(positions);
    while (waiting.size > 0 && clock.now() < untilMs) {
      for (const { topic, partition, records } of await reader.poll(POLL_WAIT_MS)) {
        const first = records[0];
        if (first === undefined || !waiting.delete(keyOf({ topic, partition }))) continue;
        reader.unassign([{ topic, partition }]);
        heads.push({
          ...{ topic, partition, offset: first.offset, timestampMs: first.timestampMs },
          ...{ keyHash: keyHash(first.key), sample: sampleOf(records.slice(0, SAMPLE_RECORDS_MAX)) },
        });
      }
    }
  } finally {
    await reader.close();
  }
  return heads;
}

function sampleOf(records: readonly { readonly key: Buffer | null }[]): KeySample {
  const counts = new Map<string, number>();
  for (const { key } of records) {
    if (key === null) continue;
    const text = key.toString("latin1");
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const [top] = [...counts].sort(([, left], [, right]) => right - left);
  return {
    records: records.length,
    mostFrequent: top && { keyHash: keyHash(Buffer.from(top[0], "latin1"))!, records: top[1] },
  };
}

const keyOf = ({ topic, partition }: Pick<PartitionOffset, "topic" | "partition">): string => `${topic}/${partition}`;
