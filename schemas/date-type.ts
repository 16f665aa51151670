import type avsc from "avsc";
import { type AvscOptions, type AvscSchema, type CheckHook, LogicalType, type Tap } from "./avro-internals.ts";
import { dateOfDays, daysOfDate } from "./calendar-date.ts";

/** Dates repeat: this many slots, by the low bits of the day, make a decoded date a look-up. */
const CACHE_SLOTS = 1024;

/** Avro's logical type `date`: "2026-01-31" on our side, days since 1970-01-01 on the wire. */
export class DateType extends LogicalType {
  readonly #cachedDays = new Float64Array(CACHE_SLOTS).fill(Number.NaN);
  readonly #cachedText: string[] = new Array<string>(CACHE_SLOTS).fill("");

  constructor(schema: AvscSchema, options?: AvscOptions) {
    super(schema, options);
    if (this.underlyingType.typeName !== "int") throw new Error('a date is stored as "int"');
  }

  _read(tap: Tap): string {
    return this._fromValue(tap.readLong());
  }

  _write(tap: Tap, value: unknown): void {
    const days = this._toValue(value);
    if (days === undefined) throw new Error("not a date");
    tap.writeLong(days);
  }

  _check(value: unknown, _flags?: unknown, hook?: CheckHook): boolean {
    if (this._toValue(value) !== undefined) return true;
    hook?.(value, this);
    return false;
  }

  override _toValue(value: unknown): number | undefined {
    return typeof value === "string" ? daysOfDate(value) : undefined;
  }

  override _fromValue(days: number): string {
    const slot = days & (CACHE_SLOTS - 1);
    if (this.#cachedDays[slot] === days) return this.#cachedText[slot]!;
    const text = dateOfDays(days);
    if (text === undefined) throw new RangeError(`day ${days} is outside the years 0000 to 9999`);
    this.#cachedDays[slot] = days;
    this.#cachedText[slot] = text;
    return text;
  }

  override _resolve(writer: avsc.Type): ((value: unknown) => unknown) | undefined {
    return writer instanceof DateType ? (value) => value : undefined;
  }
}
