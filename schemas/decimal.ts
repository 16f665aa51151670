import { inspect } from "node:util";
import { MulgilError } from "./mulgil-error.ts";

/** What happens to digits that do not fit: to the even neighbour on a tie, away from zero on a tie, or cut off. */
export type Rounding = "half-even" | "half-up" | "down";

/** Scales beyond this are a mistake, and would make texts and divisions arbitrarily expensive. */
const SCALE_MAX = 1000;
const TEXT = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
/** The powers of ten that a number holds exactly together with every multiple that is a safe integer. */
const SMALL_POWERS: readonly number[] = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/**
 * An exact decimal number: an integer and a scale, so that 12.30 is 1230 with scale 2. Immutable.
 * Sums and products are exact and unlimited; digits are lost only where a rounding is named. Numbers with the same value
 * and different scales are equal (`equals`, `compare`) but print differently.
 * @example Decimal.of("12.30").plus(Decimal.of("0.7")).toString() // "13.00"
 */
export class Decimal {
  readonly scale: number;
  /** The unscaled integer while it is a safe one; 0 and unused when `big` holds it. Plain fields, so that test tools compare them. */
  private readonly small: number;
  private readonly big: bigint | undefined;

  private constructor(small: number, big: bigint | undefined, scale: number) {
    this.small = small;
    this.big = big;
    this.scale = scale;
  }

  /**
   * A text keeps the scale it is written with ("12.30" has scale 2); integers have scale 0.
   * @throws {MulgilError} DECIMAL_INVALID if the text is not a decimal number
   * @throws {TypeError} for a number that is not a safe integer: it is not exact, so give it as text
   */
  static of(value: string | number | bigint | Decimal): Decimal {
    if (value instanceof Decimal) return value;
    if (typeof value === "string") return parse(value);
    return Decimal.ofUnscaled(value, 0);
  }

  static zero(scale: number): Decimal {
    return Decimal.ofUnscaled(0, scale);
  }

  /** `ofUnscaled(1230, 2)` is 12.30. @throws {TypeError} if the integer is a number and not safe, or the scale is not in 0..1000 */
  static ofUnscaled(unscaled: number | bigint, scale: number): Decimal {
    if (!Number.isInteger(scale) || scale < 0 || scale > SCALE_MAX) {
      throw new TypeError(`a scale is an integer from 0 to ${SCALE_MAX}, not ${scale}`);
    }
    if (typeof unscaled === "bigint") return Decimal.#ofBig(unscaled, scale);
    if (!Number.isSafeInteger(unscaled)) {
      throw new TypeError(`${unscaled} is not a safe integer: give a decimal as text ("12.34") or as a bigint`);
    }
    return new Decimal(unscaled + 0, undefined, scale);
  }

  static #ofBig(unscaled: bigint, scale: number): Decimal {
    const small = Number(unscaled);
    return Number.isSafeInteger(small) ? new Decimal(small, undefined, scale) : new Decimal(0, unscaled, scale);
  }

  get unscaled(): bigint {
    return this.big ?? BigInt(this.small);
  }

  /** The result has the larger of the two scales. */
  plus(other: Decimal): Decimal {
    if (this.scale === other.scale) {
      if (this.big === undefined && other.big === undefined) {
        const sum = this.small + other.small;
        if (Number.isSafeInteger(sum)) return new Decimal(sum, undefined, this.scale);
      }
      return Decimal.#ofBig(this.unscaled + other.unscaled, this.scale);
    }
    const scale = Math.max(this.scale, other.scale);
    return this.withScale(scale).plus(other.withScale(scale));
  }

  minus(other: Decimal): Decimal {
    return this.plus(other.negated());
  }

  /** By an integer the scale stays; by a decimal the scales add up. @throws {TypeError} for a number that is not a safe integer */
  times(factor: number | bigint | Decimal): Decimal {
    const other = Decimal.of(factor);
    const scale = this.scale + other.scale;
    if (this.big === undefined && other.big === undefined) {
      const product = this.small * other.small;
      if (Number.isSafeInteger(product)) return Decimal.ofUnscaled(product, scale);
    }
    return Decimal.ofUnscaled(this.unscaled * other.unscaled, scale);
  }

  /** @throws {MulgilError} DECIMAL_DIVISION_BY_ZERO */
  dividedBy(
    divisor: number | bigint | Decimal,
    options: { readonly scale: number; readonly rounding: Rounding },
  ): Decimal {
    const other = Decimal.of(divisor);
    if (other.isZero()) {
      throw new MulgilError(`${this} cannot be divided by zero: test the divisor first`, {
        code: "DECIMAL_DIVISION_BY_ZERO",
      });
    }
    const shift = options.scale + other.scale - this.scale;
    const numerator = this.unscaled * (shift > 0 ? powerOfTen(shift) : 1n);
    const denominator = other.unscaled * (shift < 0 ? powerOfTen(-shift) : 1n);
    return Decimal.ofUnscaled(divideRounded(numerator, denominator, options.rounding), options.scale);
  }

  negated(): Decimal {
    return this.big === undefined
      ? new Decimal(0 - this.small, undefined, this.scale)
      : Decimal.#ofBig(-this.big, this.scale);
  }

  abs(): Decimal {
    return this.isNegative() ? this.negated() : this;
  }

  /** By value: 1.0 and 1.00 compare as 0. */
  compare(other: Decimal): -1 | 0 | 1 {
    if (this.scale !== other.scale) {
      const scale = Math.max(this.scale, other.scale);
      return this.withScale(scale).compare(other.withScale(scale));
    }
    const bothSmall = this.big === undefined && other.big === undefined;
    const left = bothSmall ? this.small : this.unscaled;
    const right = bothSmall ? other.small : other.unscaled;
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** By value: 1.0 equals 1.00. */
  equals(other: Decimal): boolean {
    return this.compare(other) === 0;
  }

  isNegative(): boolean {
    return this.sign() < 0;
  }

  isZero(): boolean {
    return this.sign() === 0;
  }

  sign(): -1 | 0 | 1 {
    const unscaled = this.big ?? this.small;
    return unscaled < 0 ? -1 : unscaled > 0 ? 1 : 0;
  }

  /** The same value with that many digits. @throws {MulgilError} DECIMAL_INEXACT if digits other than zero would be lost */
  withScale(scale: number): Decimal {
    if (scale === this.scale) return this;
    const unscaled = this.unscaledAt(scale);
    if (unscaled === undefined) {
      throw new MulgilError(
        `${this} has digits beyond scale ${scale}: choose how to round them with rounded(${scale}, "half-even")`,
        { code: "DECIMAL_INEXACT" },
      );
    }
    return Decimal.ofUnscaled(unscaled, scale);
  }

  rounded(scale: number, mode: Rounding): Decimal {
    if (scale >= this.scale) return this.withScale(scale);
    return Decimal.ofUnscaled(divideRounded(this.unscaled, powerOfTen(this.scale - scale), mode), scale);
  }

  /** The integer that means this value at another scale; undefined if digits would be lost. A number where it is a safe one. */
  unscaledAt(scale: number): number | bigint | undefined {
    if (scale === this.scale) return this.big ?? this.small;
    return scale > this.scale ? this.#scaledUp(scale - this.scale) : this.#scaledDown(this.scale - scale);
  }

  #scaledUp(digits: number): number | bigint {
    const power = SMALL_POWERS[digits];
    if (this.big === undefined && power !== undefined) {
      const scaled = this.small * power;
      if (Number.isSafeInteger(scaled)) return scaled;
    }
    return this.unscaled * powerOfTen(digits);
  }

  #scaledDown(digits: number): number | bigint | undefined {
    const power = SMALL_POWERS[digits];
    if (this.big === undefined && power !== undefined) {
      return this.small % power === 0 ? this.small / power + 0 : undefined;
    }
    const divisor = powerOfTen(digits);
    const unscaled = this.unscaled;
    return unscaled % divisor === 0n ? unscaled / divisor : undefined;
  }

  /** Always prints `scale` digits after the point: "12.30". */
  toString(): string {
    const digits = String(this.big ?? this.small);
    if (this.scale === 0) return digits;
    const sign = digits.startsWith("-") ? "-" : "";
    const padded = digits.slice(sign.length).padStart(this.scale + 1, "0");
    return `${sign}${padded.slice(0, -this.scale)}.${padded.slice(-this.scale)}`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** The nearest double. For display and statistics, never to calculate money with. */
  toNumber(): number {
    return Number(this.toString());
  }

  /** Keeps `a < b` from comparing texts. @throws {TypeError} always */
  valueOf(): never {
    throw new TypeError(
      "a Decimal does not work with operators: use plus, minus, compare, or toNumber for an inexact number",
    );
  }

  [inspect.custom](): string {
    return `Decimal(${this.toString()})`;
  }
}

const powerOfTen = (exponent: number): bigint => 10n ** BigInt(exponent);

function parse(text: string): Decimal {
  const match = TEXT.exec(text);
  const exponent = Number(match?.[4] ?? 0);
  const scale = (match?.[3]?.length ?? 0) - exponent;
  if (match === null || Math.abs(exponent) > SCALE_MAX || scale > SCALE_MAX) {
    throw new MulgilError(
      `a decimal is written like "12.34" or "-7", with at most ${SCALE_MAX} digits after the point`,
      {
        code: "DECIMAL_INVALID",
      },
    );
  }
  const digits = `${match[1]}${match[2]}${match[3] ?? ""}`.replace("+", "");
  const unscaled = digits.length <= 15 ? Number(digits) : BigInt(digits);
  return scale >= 0
    ? Decimal.ofUnscaled(unscaled, scale)
    : Decimal.ofUnscaled(BigInt(unscaled) * powerOfTen(-scale), 0);
}

function divideRounded(numerator: bigint, denominator: bigint, mode: Rounding): bigint {
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  if (remainder === 0n || mode === "down") return quotient;
  const twice = magnitude(remainder) * 2n;
  const size = magnitude(denominator);
  const awayFromZero = twice > size || (twice === size && (mode === "half-up" || quotient % 2n !== 0n));
  if (!awayFromZero) return quotient;
  return numerator < 0n === denominator < 0n ? quotient + 1n : quotient - 1n;
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
