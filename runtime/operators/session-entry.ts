import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";
import { checkLayout } from "./layout.ts";
import type { Cells } from "./quantity.ts";

/** Both bounds are inclusive: the event times of the first and the last record. */
export interface Session {
  readonly startMs: number;
  readonly endMs: number;
  readonly cells: Cells;
  /** Since the last commit. In memory only, as is the next: entries are encoded after the commit has sent them. */
  isChanged: boolean;
  /** Its result was sent with these bounds. */
  isSent: boolean;
}

/** All sessions of a key that are not over, in order of time; a gap lies between any two. */
export interface SessionEntry {
  sessions: Session[];
  /** Sessions that were sent and then grew or merged, since the last commit. In memory only. */
  withdrawn: Session[];
  /** Under which the store has the entry; undefined until it is put. It may be too early, never too late. In memory only. */
  dueMs: number | undefined;
}

const LAYOUT_VERSION = 1;

export function sessionCodec(aggregates: Codec<Cells>): Codec<SessionEntry> {
  return {
    write({ sessions }: SessionEntry, out: ByteWriter) {
      out.byte(LAYOUT_VERSION);
      out.integer(sessions.length);
      for (const { startMs, endMs, cells } of sessions) {
        out.double(startMs);
        out.double(endMs);
        aggregates.write(cells, out);
      }
    },
    read(input: ByteReader) {
      checkLayout(input.byte(), LAYOUT_VERSION);
      const length = input.integer();
      const sessions = Array.from({ length }, () => readSession(input, aggregates));
      return { sessions, withdrawn: [], dueMs: undefined };
    },
  };
}

function readSession(input: ByteReader, aggregates: Codec<Cells>): Session {
  const startMs = input.double();
  const endMs = input.double();
  return { startMs, endMs, cells: aggregates.read(input), isChanged: false, isSent: true };
}
