import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";
import { checkLayout } from "./layout.ts";
import type { Cells } from "./quantity.ts";

/** [start, start + difference], both inclusive. */
export interface SlidingWindow {
  readonly startMs: number;
  readonly cells: Cells;
  /** On close: its result is still to be sent. */
  isPending: boolean;
  /** Since the last commit. In memory only: entries are encoded after the commit has sent them. */
  isChanged: boolean;
  /** What it held when it closed, if something came before that could be sent. In memory only. */
  final: Cells | undefined;
}

/** The windows of a key that records to come can still change, or that new ones can be made of; in order of start. */
export interface SlidingEntry {
  windows: SlidingWindow[];
  /** Under which the store has the entry; it may be too early, never too late. In memory only. */
  dueMs: number | undefined;
}

const LAYOUT_VERSION = 1;

export function slidingCodec(aggregates: Codec<Cells>): Codec<SlidingEntry> {
  return {
    write({ windows }: SlidingEntry, out: ByteWriter) {
      out.byte(LAYOUT_VERSION);
      out.integer(windows.length);
      for (const { startMs, cells, isPending } of windows) {
        out.double(startMs);
        out.byte(isPending ? 1 : 0);
        aggregates.write(cells, out);
      }
    },
    read(input: ByteReader) {
      checkLayout(input.byte(), LAYOUT_VERSION);
      const length = input.integer();
      return { windows: Array.from({ length }, () => readWindow(input, aggregates)), dueMs: undefined };
    },
  };
}

function readWindow(input: ByteReader, aggregates: Codec<Cells>): SlidingWindow {
  const startMs = input.double();
  const isPending = input.byte() === 1;
  return { startMs, isPending, cells: aggregates.read(input), isChanged: false, final: undefined };
}
