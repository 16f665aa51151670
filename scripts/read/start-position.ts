import { InvalidArgumentError } from "commander";
import type { LogAccess, OffsetSpec, PartitionOffset, TopicPartition } from "../../runtime/log/port.ts";
import { durationMs } from "../commands/options.ts";

/** Where to begin to read a topic. */
export type StartPosition =
  | { readonly kind: "spec"; readonly spec: OffsetSpec }
  | { readonly kind: "offset"; readonly offset: number }
  /** Where an earlier reading stopped; what it had not reached is read from the start. */
  | { readonly kind: "resume"; readonly offsets: ReadonlyMap<number, number> };

/** Reads `earliest`, `latest`, `offset:12`, an ISO time, or a duration ago like `10m`. */
export function parseStartPosition(text: string, nowMs: number): StartPosition {
  if (text === "earliest" || text === "latest") return { kind: "spec", spec: text };
  const offset = /^offset:(\d+)$/.exec(text)?.[1];
  if (offset !== undefined) return { kind: "offset", offset: Number(offset) };
  const agoMs = durationMs(text);
  const atOrAfterMs = agoMs === undefined ? isoTimeMs(text) : nowMs - agoMs;
  if (atOrAfterMs !== undefined) return { kind: "spec", spec: { atOrAfterMs } };
  throw new InvalidArgumentError(
    "Write earliest, latest, offset:12, a time like 2026-03-01T09:00:00Z, or a duration ago like 10m.",
  );
}

/** As `parseStartPosition` reads it. */
export function positionText(position: StartPosition): string {
  if (position.kind === "offset") return `offset:${position.offset}`;
  if (position.kind === "resume") return "where it stopped";
  return typeof position.spec === "string" ? position.spec : new Date(position.spec.atOrAfterMs).toISOString();
}

/** A date alone is midnight UTC; a time without an offset is local, as everywhere on the command line. */
function isoTimeMs(text: string): number | undefined {
  const value = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** The position in every partition; an offset beyond the ends of a partition is moved to them. */
export async function startOffsets(
  log: LogAccess,
  partitions: readonly TopicPartition[],
  position: StartPosition,
): Promise<readonly PartitionOffset[]> {
  if (position.kind === "spec") return log.listOffsets(partitions, position.spec, "read_committed");
  const starts = await log.listOffsets(partitions, "earliest", "read_committed");
  if (position.kind === "resume") {
    return starts.map((start) => ({
      ...start,
      offset: Math.max(start.offset, position.offsets.get(start.partition) ?? 0),
    }));
  }
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  return starts.map((start, index) => ({
    ...start,
    offset: Math.min(Math.max(position.offset, start.offset), ends[index]!.offset),
  }));
}
