import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decimal, type Rounding } from "./decimal.ts";

const decimals = fc
  .tuple(
    fc.oneof(fc.bigInt({ min: -1000n, max: 1000n }), fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }), fc.bigInt()),
    fc.integer({ min: 0, max: 20 }),
  )
  .map(([unscaled, scale]) => Decimal.ofUnscaled(unscaled, scale));
const at = (value: Decimal, scale: number): bigint => value.unscaled * 10n ** BigInt(scale - value.scale);
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return "nothing was thrown";
};

describe("Decimal", () => {
  it.each([
    ["12.34", "12.34"],
    ["12.30", "12.30"],
    ["-0.05", "-0.05"],
    ["+7", "7"],
    ["007.10", "7.10"],
    ["-0", "0"],
    ["1.5e3", "1500"],
    ["1.5E-3", "0.0015"],
    ["123456789012345678901234567890.12", "123456789012345678901234567890.12"],
  ])("reads %s as %s", (text, expected) => {
    expect(Decimal.of(text).toString()).toBe(expected);
    expect(JSON.stringify({ value: Decimal.of(text) })).toBe(`{"value":"${expected}"}`);
  });

  it.each(["", " ", "1.", ".5", "1,000", "0x10", "NaN", "Infinity", "1e99999", "1 ", "--1", "1n"])(
    "refuses the text %j",
    (text) => {
      expect(codeOf(() => Decimal.of(text))).toBe("DECIMAL_INVALID");
    },
  );

  it("refuses numbers that are not exact", () => {
    expect(() => Decimal.of(0.1)).toThrow('give a decimal as text ("12.34")');
    expect(() => Decimal.of(2 ** 53)).toThrow(TypeError);
    expect(() => Decimal.ofUnscaled(1, -1)).toThrow(TypeError);
    expect(() => Decimal.of("1").times(0.5)).toThrow(TypeError);
  });

  it("refuses operators, which would compare texts", () => {
    const [two, ten] = [Decimal.of("2"), Decimal.of("10")];
    expect(() => two < ten).toThrow("use plus, minus, compare");
  });

  it("is told apart by the equality of test tools", () => {
    expect(Decimal.of("1.10")).toEqual(Decimal.ofUnscaled(110n, 2));
    expect(Decimal.of("1.10")).not.toEqual(Decimal.of("1.11"));
    expect(Decimal.of("0").negated()).toEqual(Decimal.zero(0));
    expect(Decimal.of("0").times(-5)).toEqual(Decimal.zero(0));
  });

  it("adds, subtracts, multiplies and compares as bigint does", () => {
    fc.assert(
      fc.property(decimals, decimals, (left, right) => {
        const scale = Math.max(left.scale, right.scale);
        expect(left.plus(right).unscaled).toBe(at(left, scale) + at(right, scale));
        expect(left.minus(right).unscaled).toBe(at(left, scale) - at(right, scale));
        expect(left.plus(right).scale).toBe(scale);
        expect(left.times(right).unscaled).toBe(left.unscaled * right.unscaled);
        expect(left.times(right).scale).toBe(left.scale + right.scale);
        const difference = at(left, scale) - at(right, scale);
        expect(left.compare(right)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
        expect(left.equals(right)).toBe(difference === 0n);
        expect(left.negated().unscaled).toBe(-left.unscaled);
        expect(left.abs().isNegative()).toBe(false);
        expect(left.sign()).toBe(left.unscaled < 0n ? -1 : left.unscaled > 0n ? 1 : 0);
      }),
    );
  });

  it("has one representation for each value and scale, whichever way it was reached", () => {
    fc.assert(
      fc.property(decimals, decimals, (left, right) => {
        const there = left.plus(right);
        expect(there).toEqual(Decimal.ofUnscaled(there.unscaled, there.scale));
        expect(there.minus(right).withScale(there.scale)).toEqual(left.withScale(there.scale));
        expect(Decimal.of(left.toString())).toEqual(left);
      }),
    );
  });

  it("changes the scale exactly or not at all", () => {
    expect(Decimal.of("12.300").withScale(1).toString()).toBe("12.3");
    expect(Decimal.of("-12").withScale(20).toString()).toBe("-12.00000000000000000000");
    expect(codeOf(() => Decimal.of("12.34").withScale(1))).toBe("DECIMAL_INEXACT");
    expect(() => Decimal.of("12.34").withScale(1)).toThrow(
      '12.34 has digits beyond scale 1: choose how to round them with rounded(1, "half-even")',
    );
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 25 }), (value, scale) => {
        const lost = scale < value.scale && value.unscaled % 10n ** BigInt(value.scale - scale) !== 0n;
        if (lost) expect(codeOf(() => value.withScale(scale))).toBe("DECIMAL_INEXACT");
        else expect(value.withScale(scale).equals(value)).toBe(true);
      }),
    );
  });

  it.each<[string, Rounding, string]>([
    ["2.5", "half-even", "2"],
    ["3.5", "half-even", "4"],
    ["-2.5", "half-even", "-2"],
    ["2.51", "half-even", "3"],
    ["2.5", "half-up", "3"],
    ["-2.5", "half-up", "-3"],
    ["2.49", "half-up", "2"],
    ["2.99", "down", "2"],
    ["-2.99", "down", "-2"],
  ])("rounds %s %s to %s", (text, mode, expected) => {
    expect(Decimal.of(text).rounded(0, mode).toString()).toBe(expected);
  });

  it("rounds by less than one unit, by at most a half where it says half", () => {
    fc.assert(
      fc.property(
        decimals,
        fc.integer({ min: 0, max: 20 }),
        fc.constantFrom<Rounding>("half-even", "half-up", "down"),
        (value, scale, mode) => {
          const error = value.rounded(scale, mode).minus(value).abs();
          const unit = Decimal.ofUnscaled(1, scale);
          expect(mode === "down" ? error.compare(unit) < 0 : error.times(2).compare(unit) <= 0).toBe(true);
        },
      ),
    );
  });

  it("divides to the scale asked for", () => {
    expect(Decimal.of("10").dividedBy(3, { scale: 4, rounding: "half-even" }).toString()).toBe("3.3333");
    expect(Decimal.of("1.00").dividedBy(Decimal.of("-0.8"), { scale: 1, rounding: "half-up" }).toString()).toBe("-1.3");
    expect(Decimal.of("1.23456").dividedBy(1, { scale: 2, rounding: "down" }).toString()).toBe("1.23");
    expect(codeOf(() => Decimal.of("1").dividedBy(0, { scale: 2, rounding: "down" }))).toBe("DECIMAL_DIVISION_BY_ZERO");
  });

  it("gives the nearest double", () => {
    expect(Decimal.of("0.10").toNumber()).toBe(0.1);
    expect(Decimal.of("12345678901234567890.5").toNumber()).toBe(Number("12345678901234567890.5"));
  });
});
