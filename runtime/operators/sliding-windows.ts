import type { SlidingWindow } from "./sliding-entry.ts";

/** What a record at a time does to the windows of its key. Indexes are of the windows before. */
export interface SlidingChange {
  /** The windows that hold the time: from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  /** A new window that ends at the time; it begins as a copy of this one, or empty. */
  readonly left: { readonly startMs: number; readonly copyOf: SlidingWindow | undefined } | undefined;
  /** A new, empty window right behind the record before: the window into which this record falls alone. */
  readonly afterPrevious: { readonly startMs: number } | undefined;
  /** A new window right behind the time, for the later records that are known already; a copy, without this record. */
  readonly right: { readonly startMs: number; readonly copyOf: SlidingWindow } | undefined;
}

/**
 * There is a window that ends at each record, and one that starts right behind each record if it holds any: so every distinct set
 * of records that lie within `differenceMs` of each other is one window. A new window needs no records, only the windows that exist:
 *
 * - Left, [t − d, t]: the last window that ends before t. No record lies between its start and t − d (a window would start behind it),
 *   and none between its end and t (a window would end there).
 * - Right, [t + 1, t + 1 + d]: the last window that holds t and something later, by the same reasons.
 */
export function slidingChange(
  windows: readonly SlidingWindow[],
  timestampMs: number,
  options: { readonly differenceMs: number; readonly latestOf: (window: SlidingWindow) => number },
): SlidingChange {
  const { differenceMs, latestOf } = options;
  const leftStartMs = timestampMs - differenceMs;
  let to = windows.length;
  while (to > 0 && windows[to - 1]!.startMs > timestampMs) to--;
  let from = to;
  while (from > 0 && windows[from - 1]!.startMs >= leftStartMs) from--;

  const existingLeft = windows[from]?.startMs === leftStartMs && from < to ? windows[from] : undefined;
  const before = existingLeft ?? windows[from - 1];
  const beforeMs = before === undefined ? undefined : latestOf(before);
  // A left window that holds a record of the same time: all windows of that time exist.
  const previousMs = beforeMs === timestampMs ? undefined : beforeMs;
  const reachesLeft = previousMs !== undefined && previousMs >= leftStartMs;

  const last = from < to ? windows[to - 1]! : undefined;
  const hasRight = windows[to]?.startMs === timestampMs + 1;
  return {
    from,
    to,
    left: existingLeft === undefined ? { startMs: leftStartMs, copyOf: reachesLeft ? before : undefined } : undefined,
    afterPrevious:
      reachesLeft && !startsAt(windows, previousMs + 1, from, to) ? { startMs: previousMs + 1 } : undefined,
    right:
      !hasRight && last !== undefined && latestOf(last) > timestampMs
        ? { startMs: timestampMs + 1, copyOf: last }
        : undefined,
  };
}

function startsAt(windows: readonly SlidingWindow[], startMs: number, from: number, to: number): boolean {
  for (let n = from; n < to; n++) if (windows[n]!.startMs === startMs) return true;
  return false;
}
