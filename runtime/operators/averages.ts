import { Decimal } from "../../schemas/decimal.ts";
import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { readDecimal, writeDecimal } from "./decimal-bytes.ts";
import { type Cells, kindOf, type Quantity, valueError } from "./quantity.ts";
import { checkSum, finiteNumber, type Select } from "./sums.ts";

/** `average` of numbers: two cells, the sum and how many. */
export class NumberAverage implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  #selected = 0;

  constructor(template: Cells, path: string, select: Select) {
    this.#at = template.push(0, 0) - 2;
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
    const numbers = cells as number[];
    numbers[this.#at]! += this.#selected;
    numbers[this.#at + 1]!++;
  }

  merge(into: Cells, from: Cells): void {
    const [numbers, added] = [into as number[], from as number[]];
    checkSum(this.#path, numbers[this.#at]!, added[this.#at]!);
    numbers[this.#at]! += added[this.#at]!;
    numbers[this.#at + 1]! += added[this.#at + 1]!;
  }

  result(cells: Cells): unknown {
    const records = cells[this.#at + 1] as number;
    return records === 0 ? null : (cells[this.#at] as number) / records;
  }

  write(cells: Cells, out: ByteWriter): void {
    out.double(cells[this.#at] as number);
    out.integer(cells[this.#at + 1] as number);
  }

  read(cells: Cells, input: ByteReader): void {
    cells[this.#at] = input.double();
    cells[this.#at + 1] = input.integer();
  }
}

/** `average` of decimals: two cells, the exact sum and how many. Only the result is rounded. */
export class DecimalAverage implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  readonly #scale: number;
  #selected = Decimal.zero(0);

  constructor(template: Cells, path: string, select: Select, scale: number) {
    this.#at = template.push(Decimal.zero(scale), 0) - 2;
    this.#path = path;
    this.#select = select;
    this.#scale = scale;
  }

  select(value: unknown): void {
    const selected = this.#select(value);
    if (!(selected instanceof Decimal)) throw valueError(this.#path, `expected a Decimal, found ${kindOf(selected)}`);
    this.#selected = selected;
  }

  apply(cells: Cells): void {
    cells[this.#at] = (cells[this.#at] as Decimal).plus(this.#selected);
    (cells as number[])[this.#at + 1]!++;
  }

  merge(into: Cells, from: Cells): void {
    into[this.#at] = (into[this.#at] as Decimal).plus(from[this.#at] as Decimal);
    (into as number[])[this.#at + 1]! += from[this.#at + 1] as number;
  }

  result(cells: Cells): unknown {
    const records = cells[this.#at + 1] as number;
    if (records === 0) return null;
    return (cells[this.#at] as Decimal).dividedBy(records, { scale: this.#scale, rounding: "half-even" });
  }

  write(cells: Cells, out: ByteWriter): void {
    writeDecimal(cells[this.#at] as Decimal, out);
    out.integer(cells[this.#at + 1] as number);
  }

  read(cells: Cells, input: ByteReader): void {
    cells[this.#at] = readDecimal(input);
    cells[this.#at + 1] = input.integer();
  }
}
