/** Median and spread of runs. */
export function describeRuns(values: readonly number[]): { readonly median: number; readonly spread: string } {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  return { median, spread: `${format(sorted[0]!)}–${format(sorted.at(-1)!)}` };
}

const format = (value: number) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));

/** The same order in each run. */
export function shuffle<T>(items: T[]): T[] {
  let seed = 42;
  for (let at = items.length - 1; at > 0; at--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const other = seed % (at + 1);
    const item = items[at]!;
    items[at] = items[other]!;
    items[other] = item;
  }
  return items;
}
