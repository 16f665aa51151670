import { expiryKey, type KeyRange, readOrderedInteger } from "../../../state/key-layout.ts";
import type { CommittedEntries } from "../../../state/store.ts";
import type { EntrySelection } from "../../operators/entry-query.ts";
import type { ShownEntry } from "../../operators/entry-reader.ts";

export interface PageOptions {
  readonly committed: CommittedEntries;
  readonly isWindowed: boolean;
  readonly selection: EntrySelection;
  readonly read: (key: Buffer, value: Buffer) => readonly ShownEntry[];
  /** Goes on behind this key. */
  readonly after: Buffer | undefined;
  readonly entriesMax: number;
}

export interface Page {
  readonly entries: readonly ShownEntry[];
  /** Where the next page begins; undefined if this is the last. */
  readonly next: Buffer | undefined;
}

/** A page ends after so many entries that were looked at, be none of them wanted: so that no question keeps a worker for long. */
const EXAMINED_MAX = 5_000;

/** A piece of what a store has committed, as one snapshot. What is asked for by its whole key costs one look-up. */
export async function readPage(options: PageOptions): Promise<Page> {
  const { committed, selection, read, after, entriesMax } = options;
  const isLive = liveness(options);
  const shown = (key: Buffer, value: Buffer) => (isLive(key) ? read(key, value).filter(selection.isShown) : []);
  if (selection.point !== undefined) {
    const value = committed.getSync(selection.point);
    return { entries: value === undefined ? [] : shown(selection.point, value), next: undefined };
  }
  const entries: ShownEntry[] = [];
  let examined = 0;
  for await (const [key, value] of committed.iterate(rangeAfter(selection.range, after))) {
    if (selection.isWanted(key)) entries.push(...shown(key, value));
    if (++examined >= EXAMINED_MAX || entries.length >= entriesMax) return { entries, next: key };
  }
  return { entries, next: undefined };
}

/** Windows that have expired are out of sight before they are gone. */
export function liveness({ committed, isWindowed }: Pick<PageOptions, "committed" | "isWindowed">) {
  const expiryMs = isWindowed ? committed.getSync(expiryKey)?.readDoubleBE(0) : undefined;
  return expiryMs === undefined ? () => true : (key: Buffer) => readOrderedInteger(key, 1) >= expiryMs;
}

function rangeAfter(range: KeyRange, after: Buffer | undefined): KeyRange {
  if (after === undefined) return range;
  const { gte: _from, ...rest } = range;
  return { ...rest, gt: after };
}
