import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Checkpoint } from "./store.ts";

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const out = new ByteWriter(64);
  out.integer(checkpoint.nextOffset);
  out.double(checkpoint.writtenAtMs);
  out.string(checkpoint.incarnation);
  if (checkpoint.isPartial === true) out.byte(1);
  return out.buffer.subarray(0, out.position);
}

export function decodeCheckpoint(bytes: Buffer): Checkpoint {
  const input = new ByteReader(bytes);
  const checkpoint = { nextOffset: input.integer(), writtenAtMs: input.double(), incarnation: input.string() };
  return input.remaining === 0 ? checkpoint : { ...checkpoint, isPartial: true };
}

/** A number as the whole value of a meta entry. */
export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
