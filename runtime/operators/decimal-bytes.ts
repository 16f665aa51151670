import { Decimal } from "../../schemas/decimal.ts";
import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";

const SMALL = 0;
const LARGE = 1;

/** Scale, then the unscaled integer: a few bytes while it is a safe integer. */
export function writeDecimal(value: Decimal, out: ByteWriter): void {
  out.integer(value.scale);
  const unscaled = value.unscaledAt(value.scale)!;
  if (typeof unscaled === "number") {
    out.byte(SMALL);
    out.integer(unscaled);
  } else {
    out.byte(LARGE);
    out.string(String(unscaled));
  }
}

export function readDecimal(input: ByteReader): Decimal {
  const scale = input.integer();
  return Decimal.ofUnscaled(input.byte() === SMALL ? input.integer() : BigInt(input.string()), scale);
}
