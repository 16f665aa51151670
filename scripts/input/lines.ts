import { isUtf8 } from "node:buffer";

/** A line of a file without its end; `problem` says why it cannot be read. */
export interface Line {
  /** Counts from 1. */
  readonly number: number;
  readonly text: string;
  readonly end: "\n" | "\r\n";
  readonly problem?: string;
}

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const SHOWN_BYTES = 1024;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = "\uFEFF";

/**
 * Splits bytes into lines at LF and CR LF. Lines are held one at a time, up to `lineBytesMax`; a longer one is reported and skipped.
 * (node:readline also splits at U+2028, which JSON may hold inside a string.)
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, lineBytesMax = LINE_BYTES_MAX): AsyncGenerator<Line> {
  let number = 0;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const finish = (): Line => {
    const tooLong = bytes > lineBytesMax;
    const line = lineOf(++number, Buffer.concat(parts), tooLong ? `is longer than ${lineBytesMax} bytes` : undefined);
    parts = [];
    bytes = 0;
    return line;
  };
  const add = (part: Uint8Array) => {
    if (part.length === 0) return;
    bytes += part.length;
    if (bytes <= lineBytesMax) parts.push(part);
    else if (parts.length > 0) parts = [Buffer.concat(parts).subarray(0, SHOWN_BYTES)];
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield finish();
    }
    add(chunk.subarray(start));
  }
  if (bytes > 0) yield finish();
}

function lineOf(number: number, bytes: Buffer, problem: string | undefined): Line {
  const end = bytes.at(-1) === CR ? "\r\n" : "\n";
  const text = bytes.toString("utf8", 0, bytes.length - (end.length - 1));
  const trouble = problem ?? (isUtf8(bytes) ? undefined : "is not UTF-8: convert the file first");
  return {
    number,
    text: number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text,
    end,
    ...(trouble !== undefined && { problem: trouble }),
  };
}
