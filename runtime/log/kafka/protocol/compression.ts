import { promisify } from "node:util";
import { gunzip, gzip, zstdCompress, zstdDecompress } from "node:zlib";
import { MulgilError } from "../../../../schemas/mulgil-error.ts";

/** How records are compressed on their way out; readers understand each of them. */
export type Compression = "none" | "gzip" | "zstd";

interface Codec {
  readonly compress: (bytes: Buffer) => Promise<Buffer>;
  readonly decompress: (bytes: Buffer) => Promise<Buffer>;
}

/** In the attributes of a batch. */
export const COMPRESSION_BITS = 0x07;
export const compressionBits: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, zstd: 4 };

const CODECS: Readonly<Record<number, Codec>> = {
  [compressionBits.gzip]: { compress: promisify<Buffer, Buffer>(gzip), decompress: promisify<Buffer, Buffer>(gunzip) },
  [compressionBits.zstd]: {
    compress: promisify<Buffer, Buffer>(zstdCompress),
    decompress: promisify<Buffer, Buffer>(zstdDecompress),
  },
};

const NAMES: Readonly<Record<number, string>> = { 2: "snappy", 3: "lz4" };

export const compress = (bits: number, bytes: Buffer): Promise<Buffer> => codec(bits).compress(bytes);

/** @throws {MulgilError} LOG_COMPRESSION */
export const decompress = (bits: number, bytes: Buffer): Promise<Buffer> => codec(bits).decompress(bytes);

function codec(bits: number): Codec {
  const found = CODECS[bits];
  if (found !== undefined) return found;
  const name = NAMES[bits] ?? `codec ${bits}`;
  throw new MulgilError(
    `the log has records compressed with ${name}, which Mulgil cannot read; let its producer use gzip, zstd or none, or set the topic's compression.type`,
    { code: "LOG_COMPRESSION" },
  );
}
