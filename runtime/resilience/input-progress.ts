import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";

/** Which records of an input have ended, as state has it: all before `upTo` but these. */
export interface EndedRecords {
  /** Of the topic: in another one the offsets mean nothing. */
  readonly incarnation: string;
  readonly upTo: number;
  /** Ascending. */
  readonly unfinished: readonly number[];
}

/**
 * How far an input of a call is. Records end out of order; offsets are committed up to the oldest that has not ended, and which of those behind it have is
 * kept in state, in the same commit. After a restart those are passed over when they are read again.
 */
export class InputProgress {
  /** Taken up and not ended, in order of their offsets. */
  readonly #unfinished = new Set<number>();
  /** Of before the restart, not taken up again yet. */
  readonly #left: Set<number>;
  readonly #leftUpTo: number;

  constructor(before: EndedRecords | undefined) {
    this.#left = new Set(before?.unfinished);
    this.#leftUpTo = before?.upTo ?? 0;
  }

  get inFlight(): number {
    return this.#unfinished.size;
  }

  /** The record had ended before the restart: its call and its outputs are not repeated. */
  hasEnded(offset: number): boolean {
    return offset < this.#leftUpTo && !this.#left.has(offset);
  }

  /** Records that were under way at the restart come before everything that is held, and some have not been read yet. */
  isResuming(position: number): boolean {
    return position < this.#leftUpTo;
  }

  /** @returns whether the record was under way before the restart */
  takeUp(offset: number): boolean {
    this.#unfinished.add(offset);
    return this.#left.delete(offset);
  }

  end(offset: number): void {
    this.#unfinished.delete(offset);
  }

  /** Where a restart has to read from, if everything before `position` has been taken up. */
  committable(position: number): number {
    const [oldest] = this.#unfinished;
    return oldest ?? position;
  }

  /** What state has to know; undefined if the committed offset says it all. */
  ended(position: number, incarnation: string): EndedRecords | undefined {
    const upTo = Math.max(position, this.#leftUpTo);
    const left = [...this.#left].filter((offset) => offset >= position);
    if (this.#unfinished.size === 0 && upTo === position) return undefined;
    return { incarnation, upTo, unfinished: [...this.#unfinished, ...left] };
  }
}

const LAYOUT_VERSION = 1;

export const endedRecordsCodec: Codec<EndedRecords> = {
  write({ incarnation, upTo, unfinished }: EndedRecords, out: ByteWriter) {
    out.byte(LAYOUT_VERSION);
    out.string(incarnation);
    out.integer(upTo);
    out.integer(unfinished.length);
    let before = upTo;
    for (const offset of unfinished) {
      out.integer(offset - before);
      before = offset;
    }
  },
  read(input: ByteReader) {
    const layout = input.byte();
    if (layout !== LAYOUT_VERSION)
      throw new RangeError(`the progress of an input has layout ${layout}, expected ${LAYOUT_VERSION}`);
    const incarnation = input.string();
    const upTo = input.integer();
    let before = upTo;
    const unfinished = Array.from({ length: input.integer() }, () => {
      before += input.integer();
      return before;
    });
    return { incarnation, upTo, unfinished };
  },
};
