import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";
import { checkLayout } from "./layout.ts";

export interface NamedTimer {
  readonly name: string;
  readonly atMs: number;
}

/** The timers of a key in one domain, the first to fire first. Never changed in place. */
export type TimerEntry = readonly NamedTimer[];

const LAYOUT_VERSION = 1;

/** The entry with the changes; null cancels. */
export function withChanges(entry: TimerEntry, changes: ReadonlyMap<string, number | null>): TimerEntry {
  const kept = entry.filter(({ name }) => !changes.has(name));
  for (const [name, atMs] of changes) if (atMs !== null) kept.push({ name, atMs });
  return kept.sort((left, right) => left.atMs - right.atMs || (left.name < right.name ? -1 : 1));
}

export const timerCodec: Codec<TimerEntry> = {
  write(entry: TimerEntry, out: ByteWriter) {
    out.byte(LAYOUT_VERSION);
    out.integer(entry.length);
    for (const { name, atMs } of entry) {
      out.string(name);
      out.double(atMs);
    }
  },
  read(input: ByteReader) {
    checkLayout(input.byte(), LAYOUT_VERSION);
    return Array.from({ length: input.integer() }, () => ({ name: input.string(), atMs: input.double() }));
  },
};
