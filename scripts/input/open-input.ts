import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { csvRows } from "./csv-rows.ts";
import { jsonRows } from "./json-rows.ts";
import { linesOf } from "./lines.ts";
import { peeked } from "./peeked.ts";
import type { Row } from "./row.ts";

export type InputFormat = "ndjson" | "csv";

/** A file, or stdin, as rows that are read while they are taken. */
export interface Input {
  /** The file's name without folder, or "stdin". */
  readonly name: string;
  readonly format: InputFormat;
  readonly rows: AsyncIterable<Row>;
  /** What has been read so far and in all, in bytes as they lie on the disk; no total for a stream. */
  progress(): { readonly bytes: number; readonly totalBytes: number | undefined };
}

export interface InputOptions {
  readonly format?: InputFormat | undefined;
  readonly stdin: Readable;
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const CHUNK_BYTES = 256 * 1024;

/**
 * Opens a file, or stdin for "-". Gzip is recognised by its first bytes; the format by what is asked for, the file's name, or the first
 * character, in that order.
 * @throws {MulgilError} FILE_MISSING, FILE_UNREADABLE
 */
export async function openInput(file: string, { format, stdin }: InputOptions): Promise<Input> {
  const fromStdin = file === "-";
  const name = fromStdin ? "stdin" : path.basename(file);
  const totalBytes = fromStdin ? undefined : await sizeOf(file);
  let bytes = 0;
  const counted = async function* () {
    for await (const chunk of fromStdin ? stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      bytes += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  };
  const stored = await peeked(readable(counted(), name));
  const isGzip = stored.first?.subarray(0, 2).equals(GZIP_MAGIC) ?? false;
  const content = isGzip ? readable(gunzipped(stored.all), name) : stored.all;
  const lines = await peeked(linesOf(content));
  const chosen = format ?? formatOfName(name) ?? (lines.first?.text.trimStart().startsWith("{") ? "ndjson" : "csv");
  const rows = chosen === "csv" ? csvRows(lines.all) : jsonRows(lines.all);
  return { name, format: chosen, rows, progress: () => ({ bytes, totalBytes }) };
}

function gunzipped(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // Whoever reads the result gets the error; the callback only keeps it from ending the process.
  return pipeline(Readable.from(chunks), createGunzip(), () => undefined);
}

function formatOfName(name: string): InputFormat | undefined {
  const extension = path.extname(name.replace(/\.gz$/i, "")).toLowerCase();
  if ([".csv", ".tsv"].includes(extension)) return "csv";
  return [".ndjson", ".jsonl", ".json"].includes(extension) ? "ndjson" : undefined;
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw unreadable(file, error);
    throw new MulgilError(`the file ${file} does not exist: check its name`, { code: "FILE_MISSING", cause: error });
  });
  if (found.isDirectory()) {
    throw new MulgilError(`${file} is a folder: name the file in it`, { code: "FILE_UNREADABLE" });
  }
  return found.size;
}

/** The chunks as they come, with the name of the file on what goes wrong. */
async function* readable(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw unreadable(name, error as NodeJS.ErrnoException);
  }
}

function unreadable(name: string, error: NodeJS.ErrnoException): MulgilError {
  if (error instanceof MulgilError) return error;
  const damaged = error.code?.startsWith("Z_") ? "its gzip data is damaged or ends too early" : error.message;
  return new MulgilError(`${name} cannot be read to its end: ${damaged}; the rows before that place were read`, {
    code: "FILE_UNREADABLE",
    cause: error,
  });
}
