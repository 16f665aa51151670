/**
 * How the keys of a store's LevelDB are laid out; the first byte says what an entry is.
 *
 *   0x00 name                          meta: one entry each
 *   0x01 key                           data of a key-value and of a time-indexed store
 *   0x01 int64 window start, key       data of a window store
 *   0x02 float64 due, key              time index, with an empty value
 *
 * Numbers keep their order as bytes, negative ones (before 1970) included. A data entry is the event time (float64) and the
 * payload; in a time-indexed store the due time (float64) stands between them. The changelog carries the data entries and
 * the stream time under these same keys; everything else is local.
 */

/** A range of keys: bounds, how many, and from which end. */
export interface KeyRange {
  readonly gt?: Buffer;
  readonly gte?: Buffer;
  readonly lt?: Buffer;
  readonly entriesMax?: number;
  readonly reverse?: boolean;
}

export const metaPrefix = 0x00;
export const dataPrefix = 0x01;
export const indexPrefix = 0x02;

const metaKey = (name: string) => Buffer.from([metaPrefix, ...Buffer.from(name)]);

/** The version of this layout. A directory with another one is not opened. */
export const formatKey = metaKey("f");
export const checkpointKey = metaKey("c");
/** Replicated: its entry is a stream time in the place of the event time, and no payload. */
export const streamTimeKey = metaKey("s");
/** Windows that start before are invisible, whether or not their entries are gone. */
export const expiryKey = metaKey("e");
/** Entries of windows that start before are gone. */
export const clearedKey = metaKey("g");
/** Present while old contents are being cleared: they must not be read. */
export const clearingKey = metaKey("w");

export const dataRange: KeyRange = { gte: Buffer.from([dataPrefix]), lt: Buffer.from([indexPrefix]) };
export const indexRange: KeyRange = { gte: Buffer.from([indexPrefix]), lt: Buffer.from([indexPrefix + 1]) };

/** Everything, in the order meta, data, time index: so one look at all of it begins with what it corresponds to. */
export const wholeRange: KeyRange = { gte: Buffer.from([metaPrefix]), lt: indexRange.lt! };

/** Bytes before the key in a window's data key and in an index key. */
export const timedKeyOffset = 9;
/** Bytes before the payload of a data entry, and of one with a due time. */
export const payloadOffset = 8;
export const timedPayloadOffset = 16;

/** A safe integer as 8 bytes that sort as numbers do. */
export function writeOrderedInteger(target: Buffer, offset: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  target.writeUInt32BE(high + 0x8000_0000, offset);
  target.writeUInt32BE(value - high * 0x1_0000_0000, offset + 4);
}

export function readOrderedInteger(source: Buffer, offset: number): number {
  return (source.readUInt32BE(offset) - 0x8000_0000) * 0x1_0000_0000 + source.readUInt32BE(offset + 4);
}

/** Any number but NaN as 8 bytes that sort as numbers do: a positive one with its sign bit set, a negative one inverted. */
export function writeOrderedDouble(target: Buffer, offset: number, value: number): void {
  target.writeDoubleBE(value + 0, offset);
  if (target[offset]! < 0x80) target[offset]! |= 0x80;
  else invert(target, offset);
}

export function readOrderedDouble(source: Buffer, offset: number): number {
  const bytes = Buffer.from(source.subarray(offset, offset + 8));
  if (bytes[0]! >= 0x80) bytes[0]! &= 0x7f;
  else invert(bytes, 0);
  return bytes.readDoubleBE(0);
}

function invert(bytes: Buffer, offset: number): void {
  for (let at = offset; at < offset + 8; at++) bytes[at] = ~bytes[at]!;
}

export function dataKey(keyBytes: Buffer): Buffer {
  const key = Buffer.allocUnsafe(1 + keyBytes.length);
  key[0] = dataPrefix;
  key.set(keyBytes, 1);
  return key;
}

export function windowKey(startMs: number, keyBytes: Buffer): Buffer {
  const key = Buffer.allocUnsafe(timedKeyOffset + keyBytes.length);
  key[0] = dataPrefix;
  writeOrderedInteger(key, 1, startMs);
  key.set(keyBytes, timedKeyOffset);
  return key;
}

export function indexKey(dueMs: number, keyBytes: Buffer): Buffer {
  const key = Buffer.allocUnsafe(timedKeyOffset + keyBytes.length);
  key[0] = indexPrefix;
  writeOrderedDouble(key, 1, dueMs);
  key.set(keyBytes, timedKeyOffset);
  return key;
}

const noBytes = Buffer.alloc(0);

/** The data keys of windows with fromStartMs ≤ start < toStartMs; either may be infinite. */
export function windowRange(fromStartMs: number, toStartMs: number): KeyRange {
  return { gte: windowBound(fromStartMs), lt: windowBound(toStartMs) };
}

function windowBound(startMs: number): Buffer {
  if (startMs > Number.MAX_SAFE_INTEGER) return dataRange.lt!;
  if (startMs < Number.MIN_SAFE_INTEGER) return dataRange.gte!;
  return windowKey(Math.ceil(startMs), noBytes);
}
