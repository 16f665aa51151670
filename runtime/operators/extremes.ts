import { Decimal } from "../../schemas/decimal.ts";
import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { readDecimal, writeDecimal } from "./decimal-bytes.ts";
import { type Cells, kindOf, type Quantity, valueError } from "./quantity.ts";
import type { Select } from "./sums.ts";

type Ordered = number | string | Decimal;
const NOTHING = 0;
const NUMBER = 1;
const STRING = 2;
const DECIMAL = 3;

/** `min` and `max`: one cell, null over nothing. Of equal values the first stays. */
export class Extreme implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  /** What a comparison with a better value results in. */
  readonly #better: -1 | 1;
  #selected: Ordered = 0;

  constructor(template: Cells, path: string, select: Select, kind: "min" | "max") {
    this.#at = template.push(null) - 1;
    this.#path = path;
    this.#select = select;
    this.#better = kind === "min" ? -1 : 1;
  }

  select(value: unknown): void {
    this.#selected = ordered(this.#path, this.#select(value));
  }

  check(cells: Cells): void {
    const current = cells[this.#at] as Ordered | null;
    if (current === null || typeof current === typeof this.#selected) return;
    throw valueError(this.#path, `found ${kindOf(this.#selected)} after ${kindOf(current)}: select one kind of value`);
  }

  apply(cells: Cells): void {
    this.#take(cells, this.#selected);
  }

  merge(into: Cells, from: Cells): void {
    const other = from[this.#at] as Ordered | null;
    if (other !== null) this.#take(into, other);
  }

  #take(cells: Cells, value: Ordered): void {
    const current = cells[this.#at] as Ordered | null;
    if (current === null || compare(value, current) === this.#better) cells[this.#at] = value;
  }

  result(cells: Cells): unknown {
    return cells[this.#at];
  }

  write(cells: Cells, out: ByteWriter): void {
    const value = cells[this.#at] as Ordered | null;
    if (value === null) out.byte(NOTHING);
    else if (typeof value === "number") {
      out.byte(NUMBER);
      out.double(value);
    } else if (typeof value === "string") {
      out.byte(STRING);
      out.string(value);
    } else {
      out.byte(DECIMAL);
      writeDecimal(value, out);
    }
  }

  read(cells: Cells, input: ByteReader): void {
    const kind = input.byte();
    if (kind === NUMBER) cells[this.#at] = input.double();
    else if (kind === STRING) cells[this.#at] = input.string();
    else if (kind === DECIMAL) cells[this.#at] = readDecimal(input);
  }
}

function ordered(path: string, selected: unknown): Ordered {
  if (typeof selected === "string" || selected instanceof Decimal) return selected;
  if (typeof selected === "number" && Number.isFinite(selected)) return selected;
  throw valueError(path, `expected a finite number, a string or a Decimal, found ${kindOf(selected)}`);
}

function compare(left: Ordered, right: Ordered): -1 | 0 | 1 {
  if (left instanceof Decimal) return left.compare(right as Decimal);
  return left < right ? -1 : left > right ? 1 : 0;
}
