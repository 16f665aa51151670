/** One measured figure, beside the bound that was measured in the same run. */
export interface BenchRow {
  readonly name: string;
  /** The median. */
  readonly value: number;
  readonly unit: string;
  /** The lowest and highest of the runs. */
  readonly spread: string;
  /** What limits the figure, and how much that is. */
  readonly bound: string;
  /** The share of the bound that is reached; null without one. */
  readonly ratio: number | null;
}
