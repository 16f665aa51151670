import avsc from "avsc";

/**
 * What our own types need of avsc beyond its published types: the cursor that its readers and writers share, and the
 * methods it calls on a type. They are stable in avsc 5 and the version is pinned; avro-type.test.ts would notice a change.
 */
export interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  writeLong(value: number): void;
  readString(): string;
  skipString(): void;
  writeString(value: string): void;
}

export type AvscSchema = Parameters<typeof avsc.Type.forSchema>[0];
export type AvscOptions = NonNullable<Parameters<typeof avsc.Type.forSchema>[1]>;
/** Reports a value that does not fit; avsc itself keeps the path. */
export type CheckHook = ((value: unknown, type: avsc.Type) => void) | undefined;

export interface InternalType {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
  _check(value: unknown, flags?: unknown, hook?: CheckHook, path?: string[]): boolean;
}

export const internalsOf = (type: unknown): InternalType => type as InternalType;

/** Moves the cursor over `bytes`. False if they are not there: the cursor is then past the end, which avsc reports as truncated. */
export function hasBytes(tap: Tap, bytes: number): boolean {
  if (bytes >= 0 && tap.pos + bytes <= tap.buf.length) return true;
  tap.pos = tap.buf.length + 1;
  return false;
}

export const { LogicalType, ArrayType, MapType } = avsc.types;
