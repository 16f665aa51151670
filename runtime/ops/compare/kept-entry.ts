import { dataPrefix } from "../../../state/key-layout.ts";
import { DIGEST_BYTES } from "./comparable-values.ts";

/**
 * What is kept of the records of both topics, in one database:
 *
 *   0x01 thing side(1) number(4)  ->  flags(1) time(8) offset(8) partition(4) times(4) digest(16)
 *
 * A thing is what is to be the same in both topics: a key, or a key with the digest of a value. So all that is known of a thing lies together, and things
 * lie in the order of their keys. The number tells entries of the same thing and side apart.
 */
export type Side = "left" | "right";

export const SIDES: readonly Side[] = ["left", "right"];

export interface KeptEntry {
  readonly side: Side;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** How many records it stands for. */
  readonly times: number;
  readonly isTombstone: boolean;
  readonly isDecoded: boolean;
  readonly digest: Buffer;
}

const SUFFIX_BYTES = 5;
const VALUE_BYTES = 25 + DIGEST_BYTES;
const ZERO = 0x00;
const ESCAPED = 0xff;
const TOMBSTONE = 1;
const DECODED = 2;

/** @param digest of the value, where that is a part of the thing */
export function entryKey(key: Buffer | null, digest: Buffer | undefined, side: Side, number: number): Buffer {
  const zeros = key === null ? 0 : zerosIn(key);
  const keyBytes = key === null ? 0 : key.length + zeros + 2;
  const bytes = Buffer.allocUnsafe(2 + keyBytes + (digest?.length ?? 0) + SUFFIX_BYTES);
  bytes[0] = dataPrefix;
  bytes[1] = key === null ? 0 : 1;
  let at = 2;
  if (key !== null) {
    at = zeros === 0 ? at + key.copy(bytes, at) : writeEscaped(key, bytes, at);
    bytes.fill(ZERO, at, at + 2);
    at += 2;
  }
  if (digest !== undefined) at += digest.copy(bytes, at);
  bytes[at] = side === "left" ? 0 : 1;
  bytes.writeUInt32BE(number, at + 1);
  return bytes;
}

/** The part of an entry's key that says of what it is. */
export const thingOf = (entry: Buffer): Buffer => entry.subarray(0, entry.length - SUFFIX_BYTES);

/** The key of the records. */
export function keyOfThing(thing: Buffer): Buffer | null {
  if (thing[1] === 0) return null;
  const bytes: number[] = [];
  for (let at = 2; thing[at] !== ZERO || thing[at + 1] === ESCAPED; at++) {
    bytes.push(thing[at]!);
    if (thing[at] === ZERO) at++;
  }
  return Buffer.from(bytes);
}

export function encodeKept(entry: Omit<KeptEntry, "side">): Buffer {
  const bytes = Buffer.allocUnsafe(VALUE_BYTES);
  bytes[0] = (entry.isTombstone ? TOMBSTONE : 0) | (entry.isDecoded ? DECODED : 0);
  bytes.writeDoubleBE(entry.timestampMs, 1);
  bytes.writeDoubleBE(entry.offset, 9);
  bytes.writeUInt32BE(entry.partition, 17);
  bytes.writeUInt32BE(entry.times, 21);
  entry.digest.copy(bytes, 25);
  return bytes;
}

export function decodeKept(key: Buffer, value: Buffer): KeptEntry {
  return {
    side: key[key.length - SUFFIX_BYTES] === 0 ? "left" : "right",
    isTombstone: (value[0]! & TOMBSTONE) !== 0,
    isDecoded: (value[0]! & DECODED) !== 0,
    timestampMs: value.readDoubleBE(1),
    offset: value.readDoubleBE(9),
    partition: value.readUInt32BE(17),
    times: value.readUInt32BE(21),
    digest: value.subarray(25),
  };
}

function zerosIn(key: Buffer): number {
  let zeros = 0;
  for (let at = key.indexOf(ZERO); at !== -1; at = key.indexOf(ZERO, at + 1)) zeros++;
  return zeros;
}

/** A zero becomes two bytes, so that two zeros end a key, and keys keep their order. */
function writeEscaped(key: Buffer, target: Buffer, start: number): number {
  let at = start;
  for (const byte of key) {
    target[at++] = byte;
    if (byte === ZERO) target[at++] = ESCAPED;
  }
  return at;
}
