import type avsc from "avsc";
import { type AvscOptions, type AvscSchema, type CheckHook, LogicalType, type Tap } from "./avro-internals.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Avro's logical type `uuid` on a string. Ours are lower-case, so that equal ids are equal strings and equal keys; what
 * other writers wrote in capitals is read as lower-case.
 */
export class UuidType extends LogicalType {
  constructor(schema: AvscSchema, options?: AvscOptions) {
    super(schema, options);
    if (this.underlyingType.typeName !== "string") throw new Error('a uuid is stored as "string"');
  }

  _read(tap: Tap): string | undefined {
    const text = tap.readString();
    return text === undefined ? undefined : this._fromValue(text);
  }

  _write(tap: Tap, value: unknown): void {
    if (!isUuid(value)) throw new Error("not a uuid");
    tap.writeString(value);
  }

  _check(value: unknown, _flags?: unknown, hook?: CheckHook): boolean {
    if (isUuid(value)) return true;
    hook?.(value, this);
    return false;
  }

  override _toValue(value: unknown): string | undefined {
    return isUuid(value) ? value : undefined;
  }

  override _fromValue(text: string): string {
    if (UUID.test(text)) return text;
    const lower = text.toLowerCase();
    if (!UUID.test(lower)) throw new Error("a uuid field holds something else");
    return lower;
  }

  override _resolve(writer: avsc.Type): ((value: unknown) => unknown) | undefined {
    return writer instanceof UuidType ? (value) => value : undefined;
  }
}

export const isUuid = (value: unknown): value is string => typeof value === "string" && UUID.test(value);
