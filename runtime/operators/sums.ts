import { Decimal } from "../../schemas/decimal.ts";
import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { RecordError } from "../errors/errors.ts";
import { readDecimal, writeDecimal } from "./decimal-bytes.ts";
import { type Cells, kindOf, type Quantity, valueError } from "./quantity.ts";

export type Select = (value: unknown) => unknown;

/** `count`: one cell. */
export class Count implements Quantity {
  readonly #at: number;

  constructor(template: Cells) {
    this.#at = template.push(0) - 1;
  }

  apply(cells: Cells): void {
    (cells as number[])[this.#at]!++;
  }

  merge(into: Cells, from: Cells): void {
    (into as number[])[this.#at]! += from[this.#at] as number;
  }

  result(cells: Cells): unknown {
    return cells[this.#at];
  }

  write(cells: Cells, out: ByteWriter): void {
    out.integer(cells[this.#at] as number);
  }

  read(cells: Cells, input: ByteReader): void {
    cells[this.#at] = input.integer();
  }
}

/** `sum` of numbers: one cell. */
export class NumberSum implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  #selected = 0;

  constructor(template: Cells, path: string, select: Select) {
    this.#at = template.push(0) - 1;
    this.#path = path;
    this.#select = select;
  }

  select(value: unknown): void {
    this.#selected = finiteNumber(this.#path, this.#select(value));
  }

  check(cells: Cells): void {
    checkSum(this.#path, cells[this.#at] as number, this.#selected);
  }

  apply(cells: Cells): void {
    (cells as number[])[this.#at]! += this.#selected;
  }

  merge(into: Cells, from: Cells): void {
    const added = from[this.#at] as number;
    checkSum(this.#path, into[this.#at] as number, added);
    (into as number[])[this.#at]! += added;
  }

  result(cells: Cells): unknown {
    return cells[this.#at];
  }

  write(cells: Cells, out: ByteWriter): void {
    out.double(cells[this.#at] as number);
  }

  read(cells: Cells, input: ByteReader): void {
    cells[this.#at] = input.double();
  }
}

/** `sum` of decimals: one cell, always with `scale` digits after the point. */
export class DecimalSum implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  readonly #scale: number;
  #selected = Decimal.zero(0);

  constructor(template: Cells, path: string, select: Select, scale: number) {
    this.#at = template.push(Decimal.zero(scale)) - 1;
    this.#path = path;
    this.#select = select;
    this.#scale = scale;
  }

  select(value: unknown): void {
    this.#selected = decimalOfScale(this.#path, this.#select(value), this.#scale);
  }

  apply(cells: Cells): void {
    cells[this.#at] = (cells[this.#at] as Decimal).plus(this.#selected);
  }

  merge(into: Cells, from: Cells): void {
    into[this.#at] = (into[this.#at] as Decimal).plus(from[this.#at] as Decimal);
  }

  result(cells: Cells): unknown {
    return cells[this.#at];
  }

  write(cells: Cells, out: ByteWriter): void {
    writeDecimal(cells[this.#at] as Decimal, out);
  }

  read(cells: Cells, input: ByteReader): void {
    cells[this.#at] = readDecimal(input);
  }
}

export function finiteNumber(path: string, selected: unknown): number {
  if (typeof selected === "number" && Number.isFinite(selected)) return selected;
  throw valueError(
    path,
    `expected a finite number, found ${kindOf(selected)}; filter such records, or select something else`,
  );
}

/** Integers add up exactly or not at all. */
export function checkSum(path: string, sum: number, added: number): void {
  const next = sum + added;
  if (next <= Number.MAX_SAFE_INTEGER && next >= Number.MIN_SAFE_INTEGER) return;
  if (Number.isFinite(next) && !(Number.isInteger(sum) && Number.isInteger(added))) return;
  throw new RecordError(
    `the sum "${path}" would be beyond 2^53 with this record, where integers are no longer exact: select a Decimal`,
    {
      code: "AGGREGATE_OVERFLOW",
    },
  );
}

function decimalOfScale(path: string, selected: unknown, scale: number): Decimal {
  if (!(selected instanceof Decimal)) throw valueError(path, `expected a Decimal, found ${kindOf(selected)}`);
  if (selected.scale === scale) return selected;
  const unscaled = selected.unscaledAt(scale);
  if (unscaled !== undefined) return Decimal.ofUnscaled(unscaled, scale);
  throw valueError(
    path,
    `the Decimal has more than the ${scale} digits after the point that the sum has: raise its scale, or round the value`,
  );
}
