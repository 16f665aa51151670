import type { LogAccess } from "../../runtime/log/port.ts";
import type { EntryMask } from "../../runtime/operators/entry-mask.ts";
import { type EntryQuery, type EntrySelection, selectEntries } from "../../runtime/operators/entry-query.ts";
import { entryReader } from "../../runtime/operators/entry-reader.ts";
import type { StoreOfStep } from "../../runtime/operators/store-codecs.ts";
import type { PlannedStore } from "../../runtime/plan/plan.ts";
import { openChangelogReader } from "../../runtime/worker/changelog-reader.ts";
import { dataPrefix, readOrderedInteger, streamTimeKey } from "../../state/key-layout.ts";
import { WorkProgress } from "../output/work-progress.ts";
import type { FoundEntries } from "./found-entries.ts";
import type { TaskOwner } from "./owners.ts";

/**
 * What the changelog has under a key: the latest of what a restore would bring. Reads whole partitions, one after the other, until one has it; in memory
 * is only what is asked for.
 */
export async function changelogEntries(options: {
  readonly log: LogAccess;
  readonly of: StoreOfStep & { readonly planned: PlannedStore };
  /** What of it may be shown. */
  readonly mask: EntryMask;
  readonly query: EntryQuery;
  readonly tasks: readonly TaskOwner[];
}): Promise<Pick<FoundEntries, "entries" | "positions">> {
  const { log, of, mask, query, tasks } = options;
  const selection = selectEntries(of, query);
  const positions: FoundEntries["positions"][number][] = [];
  const progress = new WorkProgress("changelog records read");
  try {
    for (const { task, partition } of tasks) {
      const { latest, position } = await latestOf(
        log,
        { topic: of.planned.changelog, partition },
        of,
        selection,
        progress,
      );
      positions.push({ task, position });
      const read = entryReader(of, mask);
      const entries = [...latest.values()]
        .toSorted((left, right) => left.key.compare(right.key))
        .flatMap(({ key, value }) => read(key, value).filter(selection.isShown))
        .map((entry) => ({ task, ...entry }));
      if (entries.length > 0) return { entries, positions };
    }
  } finally {
    progress.close();
  }
  return { entries: [], positions };
}

async function latestOf(
  log: LogAccess,
  changelog: { readonly topic: string; readonly partition: number },
  { planned }: { readonly planned: PlannedStore },
  selection: EntrySelection,
  progress: WorkProgress,
) {
  const reader = await openChangelogReader(log, changelog, "");
  const latest = new Map<string, { readonly key: Buffer; readonly value: Buffer }>();
  let streamTimeMs = Number.NEGATIVE_INFINITY;
  const isAsked = (key: Buffer) => key[0] === dataPrefix && isInRange(key, selection) && selection.isWanted(key);
  try {
    for (let offset = reader.startOffset; offset < reader.endOffset; ) {
      const { records, nextOffset } = await reader.read(offset);
      for (const { key, value } of records) {
        if (value !== null && key.equals(streamTimeKey)) streamTimeMs = Math.max(streamTimeMs, value.readDoubleBE(0));
        if (!isAsked(key)) continue;
        if (value === null) latest.delete(key.toString("latin1"));
        else latest.set(key.toString("latin1"), { key, value });
      }
      offset = nextOffset;
      progress.show(offset - reader.startOffset, reader.endOffset - reader.startOffset);
    }
  } finally {
    await reader.close();
  }
  const firstMs = planned.retentionMs === null ? -Infinity : streamTimeMs - planned.retentionMs + 1;
  if (planned.kind === "window")
    for (const [id, { key }] of latest) if (readOrderedInteger(key, 1) < firstMs) latest.delete(id);
  return { latest, position: reader.endOffset };
}

function isInRange(key: Buffer, { range: { gte, gt, lt } }: EntrySelection): boolean {
  if (gte !== undefined && key.compare(gte) < 0) return false;
  if (gt !== undefined && key.compare(gt) <= 0) return false;
  return lt === undefined || key.compare(lt) < 0;
}
