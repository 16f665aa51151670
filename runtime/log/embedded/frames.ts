import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { MulgilError } from "../../../schemas/mulgil-error.ts";

/** A message on the socket: length and CRC-32 of the body (4 bytes each, big endian), then the body (node:v8 serialize). */
const HEADER_BYTES = 8;
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** @throws LOG_FRAME_TOO_LARGE */
export function encodeFrame(message: unknown): Buffer {
  const body = serialize(message);
  if (body.length > FRAME_BYTES_MAX) {
    throw new MulgilError(
      `a call or an answer of ${body.length} bytes does not fit the socket of the data directory (${FRAME_BYTES_MAX} bytes); send fewer records at once`,
      { code: "LOG_FRAME_TOO_LARGE" },
    );
  }
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(body.length, 0);
  header.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

/** Puts frames together from what the socket delivers. It throws on anything that is not a frame: then the connection is worthless. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = HEADER_BYTES;
  #header: { readonly length: number; readonly crc: number } | undefined;

  /** The messages that the chunk completes, with their sizes. */
  *push(chunk: Buffer): Generator<{ readonly message: unknown; readonly bytes: number }> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= this.#needed) {
      const part = this.#take(this.#needed);
      if (this.#header === undefined) {
        this.#header = { length: part.readUInt32BE(0), crc: part.readUInt32BE(4) };
        this.#needed = this.#header.length;
        if (this.#needed > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${this.#needed} bytes is too large`);
        continue;
      }
      const { length, crc } = this.#header;
      this.#header = undefined;
      this.#needed = HEADER_BYTES;
      if (crc32(part) !== crc) throw new RangeError("the checksum of a frame does not fit");
      yield { message: deserialize(part), bytes: length };
    }
  }

  #take(bytes: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = all.length > bytes ? [all.subarray(bytes)] : [];
    this.#bytes -= bytes;
    return all.subarray(0, bytes);
  }
}
