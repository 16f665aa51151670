import type avsc from "avsc";
import {
  type AvscOptions,
  type AvscSchema,
  type CheckHook,
  hasBytes,
  LogicalType,
  type Tap,
} from "./avro-internals.ts";
import { Decimal } from "./decimal.ts";

/** Integers of up to this many bytes are read without a bigint. */
const SMALL_BYTES = 6;
const PRECISION_MAX = 1000;
const SMALL_PRECISION_MAX = 15;

/** Avro's logical type `decimal`, on bytes and on fixed: a Decimal on our side, a big-endian two's complement on the wire. */
export class DecimalType extends LogicalType {
  readonly precision: number;
  readonly scale: number;
  /** Undefined on bytes. */
  readonly fixedSize: number | undefined;
  readonly #limit: number | bigint;

  constructor(schema: AvscSchema, options?: AvscOptions) {
    super(schema, options);
    const attributes = schema as unknown as { readonly precision?: unknown; readonly scale?: unknown };
    const { precision, scale = 0 } = attributes;
    if (!isCount(precision) || precision === 0) {
      throw new Error(`a decimal needs a "precision" from 1 to ${PRECISION_MAX}: the most digits its values have`);
    }
    if (!isCount(scale) || scale > precision)
      throw new Error(`the "scale" of a decimal is between 0 and its precision (${precision})`);
    this.precision = precision;
    this.scale = scale;
    this.fixedSize = fixedSizeOf(this.underlyingType);
    this.#limit = precision <= SMALL_PRECISION_MAX ? 10 ** precision : 10n ** BigInt(precision);
  }

  _read(tap: Tap): Decimal | undefined {
    const bytes = this.fixedSize ?? tap.readLong();
    if (!hasBytes(tap, bytes)) return undefined;
    const unscaled = readInteger(tap.buf, tap.pos, bytes);
    tap.pos += bytes;
    return Decimal.ofUnscaled(unscaled, this.scale);
  }

  _write(tap: Tap, value: unknown): void {
    const unscaled = this.#unscaledOf(value);
    if (unscaled === undefined) throw new Error("not a decimal of this type");
    const bytes = this.fixedSize ?? byteLength(unscaled);
    if (this.fixedSize === undefined) tap.writeLong(bytes);
    writeInteger(tap.buf, tap.pos, bytes, unscaled);
    tap.pos += bytes;
  }

  _check(value: unknown, _flags?: unknown, hook?: CheckHook): boolean {
    if (this.#unscaledOf(value) !== undefined) return true;
    hook?.(value, this);
    return false;
  }

  override _toValue(value: unknown): Buffer | undefined {
    const unscaled = this.#unscaledOf(value);
    if (unscaled === undefined) return undefined;
    const bytes = Buffer.alloc(this.fixedSize ?? byteLength(unscaled));
    writeInteger(bytes, 0, bytes.length, unscaled);
    return bytes;
  }

  override _fromValue(bytes: Buffer): Decimal {
    return Decimal.ofUnscaled(readInteger(bytes, 0, bytes.length), this.scale);
  }

  override _export(schema: AvscSchema): void {
    Object.assign(schema, { precision: this.precision, scale: this.scale });
  }

  /** A writer's decimal reads as ours if no digit can be lost: the same scale, and no more precision than ours. */
  override _resolve(writer: avsc.Type): ((value: unknown) => unknown) | undefined {
    if (!(writer instanceof DecimalType) || writer.scale !== this.scale || writer.precision > this.precision)
      return undefined;
    this.underlyingType.createResolver(writer.underlyingType);
    return (value) => value;
  }

  #unscaledOf(value: unknown): number | bigint | undefined {
    if (!(value instanceof Decimal)) return undefined;
    const unscaled = value.unscaledAt(this.scale);
    if (unscaled === undefined || unscaled >= this.#limit || -unscaled >= this.#limit) return undefined;
    return unscaled;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= PRECISION_MAX;
}

function fixedSizeOf(underlying: avsc.Type): number | undefined {
  if (underlying.typeName === "bytes") return undefined;
  if (underlying.typeName !== "fixed") throw new Error('a decimal is stored as "bytes" or as a fixed');
  return (underlying as avsc.types.FixedType).size;
}

function readInteger(buffer: Buffer, start: number, bytes: number): number | bigint {
  if (bytes === 0) return 0;
  if (bytes > SMALL_BYTES) return BigInt.asIntN(bytes * 8, BigInt(`0x${buffer.toString("hex", start, start + bytes)}`));
  const first = buffer[start]!;
  let value = first > 0x7f ? first - 0x100 : first;
  for (let index = start + 1; index < start + bytes; index++) value = value * 0x100 + buffer[index]!;
  return value;
}

/** The fewest bytes that hold the integer and its sign. */
function byteLength(value: number | bigint): number {
  if (typeof value === "bigint") {
    const hex = (value < 0n ? -value - 1n : value).toString(16);
    return Math.floor((hex.length * 4 - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28) / 8) + 1;
  }
  let magnitude = value < 0 ? -value - 1 : value;
  let bytes = 1;
  for (; magnitude >= 0x80; magnitude /= 0x100) bytes++;
  return bytes;
}

/** Bytes beyond the end of the buffer are dropped: the cursor tells avsc that they did not fit. */
function writeInteger(buffer: Buffer, start: number, bytes: number, value: number | bigint): void {
  if (typeof value === "bigint") {
    const hex = BigInt.asUintN(bytes * 8, value)
      .toString(16)
      .padStart(bytes * 2, "0");
    if (start + bytes <= buffer.length) buffer.write(hex, start, "hex");
    return;
  }
  let rest = value;
  for (let index = start + bytes - 1; index >= start; index--) {
    const low = ((rest % 0x100) + 0x100) % 0x100;
    buffer[index] = low;
    rest = (rest - low) / 0x100;
  }
}
