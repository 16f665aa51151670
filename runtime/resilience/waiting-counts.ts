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

export type StoredCounts = readonly (readonly [
  resource: string,
  widthMs: number,
  counts: readonly (readonly [startMs: number, records: number])[],
])[];

const WIDTH_MS = 10_000;
const BUCKETS_MAX = 256;

/** How many records wait for each institution and since when, to within ten seconds; coarser where they wait for long. */
export class WaitingCounts {
  readonly #resources = new Map<string, Buckets>();
  #hasChanged = false;

  constructor(stored: StoredCounts = []) {
    for (const [resource, widthMs, counts] of stored)
      this.#resources.set(resource, { widthMs, counts: new Map(counts) });
  }

  add(resource: string, sinceMs: number): void {
    this.#change(resource, sinceMs, 1);
  }

  remove(resource: string, sinceMs: number): void {
    this.#change(resource, sinceMs, -1);
  }

  #change(resource: string, sinceMs: number, by: number): void {
    this.#hasChanged = true;
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

  /** What state has to know, if that is not what it knows already. */
  takeChanged(): StoredCounts | undefined {
    if (!this.#hasChanged) return undefined;
    this.#hasChanged = false;
    return [...this.#resources].map(([resource, { widthMs, counts }]) => [resource, widthMs, [...counts]] as const);
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
  write(stored: StoredCounts, out: ByteWriter) {
    out.integer(stored.length);
    for (const [resource, widthMs, counts] of stored) {
      out.string(resource);
      out.integer(widthMs);
      out.integer(counts.length);
      for (const [startMs, records] of counts) {
        out.integer(startMs);
        out.integer(records);
      }
    }
  },
  read(input: ByteReader) {
    return Array.from({ length: input.integer() }, () => {
      const resource = input.string();
      const widthMs = input.integer();
      const counts = Array.from({ length: input.integer() }, () => [input.integer(), input.integer()] as const);
      return [resource, widthMs, counts] as const;
    });
  },
};
