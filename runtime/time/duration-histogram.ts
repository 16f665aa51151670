/** How many durations there were up to each bound, and beyond: what Prometheus calls a histogram. Adding one costs a few comparisons. */
export interface DurationCounts {
  /** Ascending; a duration counts for the first bound that it does not exceed. */
  readonly boundsMs: readonly number[];
  /** By bound, and one more for what exceeds all. Not cumulative. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

export class DurationHistogram implements DurationCounts {
  readonly boundsMs: readonly number[];
  readonly counts: number[];
  sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = new Array<number>(boundsMs.length + 1).fill(0);
  }

  add(durationMs: number): void {
    let bucket = 0;
    while (bucket < this.boundsMs.length && durationMs > this.boundsMs[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sumMs += durationMs;
  }
}

/** Of several with the same bounds; at least one. */
export function addedDurations(all: readonly DurationCounts[]): DurationCounts {
  const [first, ...others] = all;
  const sum = new DurationHistogram(first!.boundsMs);
  for (const { counts, sumMs } of [first!, ...others]) {
    for (const [bucket, count] of counts.entries()) sum.counts[bucket]! += count;
    sum.sumMs += sumMs;
  }
  return sum;
}
