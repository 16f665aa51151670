/** A bucket ends this much above where it begins; a percentile is at most the root of it off: 5 %. */
const GROWTH = 1.1;
const LOG_GROWTH = Math.log(GROWTH);
/** Up to an hour; what takes longer is in the last bucket. */
const BUCKETS = 2 + Math.ceil(Math.log(3_600_000) / LOG_GROWTH);

/** The bucket of a latency: 0 is what took less than a millisecond. */
export const bucketOf = (latencyMs: number): number =>
  latencyMs < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(latencyMs) / LOG_GROWTH));

const bucketNames = Array.from({ length: BUCKETS }, (_, bucket) => String(bucket));

/** The name that RollingCounts counts it under. */
export const bucketName = (latencyMs: number): string => bucketNames[bucketOf(latencyMs)]!;

/** Latencies counted by size, as pairs of bucket and count: what was measured apart can be added. */
export type LatencyPairs = readonly number[];

export const pairsOf = (counts: Readonly<Partial<Record<string, number>>>): number[] =>
  bucketNames.flatMap((name, bucket) => (counts[name] ? [bucket, counts[name]] : []));

export function mergePairs(all: readonly LatencyPairs[]): number[] {
  const counts: Record<string, number> = {};
  for (const pairs of all) {
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const name = bucketNames[pairs[at]!];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + pairs[at + 1]!;
    }
  }
  return pairsOf(counts);
}

/** The latency in ms that this share of the calls did not exceed; undefined if there are none. */
export function percentile(pairs: LatencyPairs, share: number): number | undefined {
  let calls = 0;
  for (let at = 1; at < pairs.length; at += 2) calls += pairs[at]!;
  if (calls === 0) return undefined;
  let left = Math.max(1, Math.ceil(share * calls));
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    left -= pairs[at + 1]!;
    if (left <= 0) return middleOf(pairs[at]!);
  }
  return middleOf(pairs.at(-2)!);
}

const middleOf = (bucket: number): number => (bucket === 0 ? 0 : GROWTH ** (bucket - 1) * Math.sqrt(GROWTH));
