import avsc from "avsc";
import type { CheckHook, Tap } from "./avro-internals.ts";

/**
 * Longs as avsc has them, but never wrong: from 2^52 on avsc computes the zig-zag form in doubles that cannot hold it, and
 * large negative numbers come back positive. These read and write every safe integer exactly and refuse all others.
 */
const ZIGZAG_EXACT_BELOW = 2 ** 52;

class ExactLongType extends avsc.types.LongType {
  _read(tap: Tap): number {
    return readLong(tap);
  }

  _write(tap: Tap, value: unknown): void {
    if (!Number.isSafeInteger(value)) throw new RangeError("not a safe integer");
    const long = value as number;
    if (long > -ZIGZAG_EXACT_BELOW) tap.writeLong(long);
    else writeLargeNegative(tap, long);
  }

  _check(value: unknown, _flags?: unknown, hook?: CheckHook): boolean {
    if (Number.isSafeInteger(value)) return true;
    hook?.(value, this);
    return false;
  }
}

interface Resolver {
  _read?: (tap: Tap) => unknown;
}

/** Reading a long as a float or a double goes through the same doubles in avsc. */
const readsLongsExactly = (resolver: Resolver, writer: avsc.Type): boolean => {
  if (writer.typeName !== "long") return false;
  resolver._read = readLong;
  return true;
};

const updateOf = (base: object) => (base as { _update(resolver: Resolver, writer: avsc.Type): void })._update;

class ExactDoubleType extends avsc.types.DoubleType {
  _update(resolver: Resolver, writer: avsc.Type): void {
    if (!readsLongsExactly(resolver, writer)) updateOf(avsc.types.DoubleType.prototype).call(this, resolver, writer);
  }
}

class ExactFloatType extends avsc.types.FloatType {
  _update(resolver: Resolver, writer: avsc.Type): void {
    if (!readsLongsExactly(resolver, writer)) updateOf(avsc.types.FloatType.prototype).call(this, resolver, writer);
  }
}

/** Garbage can hold a longer number where an int stands; avsc would hand it out. */
class BoundedIntType extends avsc.types.IntType {
  _read(tap: Tap): number {
    const value = tap.readLong();
    if (value !== (value | 0)) throw new RangeError("an int of more than 32 bits");
    return value;
  }
}

/** Types without attributes: one of each serves all schemas. */
export const exactNumberTypes: Readonly<Record<string, avsc.Type>> = {
  int: new BoundedIntType(),
  long: new ExactLongType(),
  float: new ExactFloatType(),
  double: new ExactDoubleType(),
};

function readLong(tap: Tap): number {
  const start = tap.pos;
  const value = tap.readLong();
  if (value < ZIGZAG_EXACT_BELOW && value > -ZIGZAG_EXACT_BELOW) return value;
  return exactLong(tap.buf, start, Math.min(tap.pos, tap.buf.length));
}

function exactLong(buffer: Buffer, start: number, end: number): number {
  let zigzag = 0n;
  for (let index = end - 1; index >= start; index--) zigzag = (zigzag << 7n) | BigInt(buffer[index]! & 0x7f);
  const value = Number(zigzag & 1n ? -((zigzag + 1n) >> 1n) : zigzag >> 1n);
  if (!Number.isSafeInteger(value))
    throw new RangeError("a long beyond the safe integers (2^53), which a number cannot hold exactly");
  return value;
}

function writeLargeNegative(tap: Tap, value: number): void {
  let zigzag = -BigInt(value) * 2n - 1n;
  for (; zigzag > 0x7fn; zigzag >>= 7n) tap.buf[tap.pos++] = Number(zigzag & 0x7fn) | 0x80;
  tap.buf[tap.pos++] = Number(zigzag);
}
