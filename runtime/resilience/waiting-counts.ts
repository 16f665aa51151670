import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";

/** What waits for an institution, in tiers or held. */
export interface Waiting {
  readonly records: number;
  readonly oldestSinceMs: number | undefined;
}

interface Buckets {
  widthMs: number;
  /** Records by the start of the interval since when they wait. */
  readonly counts: Map<number, number>;
}

/** What waits for one institution, as state has it. */
export interface StoredCounts {
  readonly widthMs: number;
  readonly counts: readonly (readonly [startMs: number, records: number])[];
}

const WIDTH_MS = 10_000;
const BUCKETS_MAX = 256;

/** How many records wait for each institution and since when, to within ten seconds; coarser where they wait for long. */
export class WaitingCounts {
  readonly #resources = new Map<string, Buckets>();
  readonly #changed = new Set<string>();

  /** Goes on with what state has. */
  restore(resource: string, { widthMs, counts }: StoredCounts): void {
    this.#resources.set(resource, { widthMs, counts: new Map(counts) });
  }

  add(resource: string, sinceMs: number): void {
    this.#change(resource, sinceMs, 1);
  }

  remove(resource: string, sinceMs: number): void {
    this.#change(resource, sinceMs, -1);
  }

  #change(resource: string, sinceMs: number, by: number): void {
    this.#changed.add(resource);
    let buckets = this.#resources.get(resource);
    if (buckets === undefined) {
      buckets = { widthMs: WIDTH_MS, counts: new Map() };
      this.#resources.set(resource, buckets);
    }
    const startMs = startOf(sinceMs, buckets.widthMs);
    const records = (buckets.counts.get(startMs) ?? 0) + by;
    if (records > 0) buckets.counts.set(startMs, records);
    else buckets.counts.delete(startMs);
    if (buckets.counts.size === 0) this.#resources.delete(resource);
    else if (buckets.counts.size > BUCKETS_MAX) coarsen(buckets);
  }

  of(resource: string): Waiting | undefined {
    const buckets = this.#resources.get(resource);
    if (buckets === undefined) return undefined;
    let records = 0;
    let oldestSinceMs = Infinity;
    for (const [startMs, count] of buckets.counts) {
      records += count;
      oldestSinceMs = Math.min(oldestSinceMs, startMs);
    }
    return { records, oldestSinceMs };
  }

  get resources(): readonly string[] {
    return [...this.#resources.keys()];
  }

  /** What state does not know yet; undefined where nothing waits any more. */
  takeChanged(): readonly (readonly [resource: string, stored: StoredCounts | undefined])[] {
    const changed = Array.from(this.#changed, (resource) => {
      const buckets = this.#resources.get(resource);
      return [resource, buckets && { widthMs: buckets.widthMs, counts: [...buckets.counts] }] as const;
    });
    this.#changed.clear();
    return changed;
  }
}

const startOf = (timeMs: number, widthMs: number): number => Math.floor(timeMs / widthMs) * widthMs;

function coarsen(buckets: Buckets): void {
  buckets.widthMs *= 4;
  const before = [...buckets.counts];
  buckets.counts.clear();
  for (const [startMs, records] of before) {
    const wider = startOf(startMs, buckets.widthMs);
    buckets.counts.set(wider, (buckets.counts.get(wider) ?? 0) + records);
  }
}

export const waitingCountsCodec: Codec<StoredCounts> = {
  write({ widthMs, counts }: StoredCounts, out: ByteWriter) {
    out.integer(widthMs);
    out.integer(counts.length);
    for (const [startMs, records] of counts) {
      out.integer(startMs);
      out.integer(records);
    }
  },
  read(input: ByteReader) {
    const widthMs = input.integer();
    const counts = Array.from({ length: input.integer() }, () => [input.integer(), input.integer()] as const);
    return { widthMs, counts };
  },
};
