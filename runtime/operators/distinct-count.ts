import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { RecordError } from "../errors/errors.ts";
import { type Cells, kindOf, type Quantity, valueError } from "./quantity.ts";
import type { Select } from "./sums.ts";

type Value = string | number;
const NUMBER = 0;
const STRING = 1;

/** `distinctCount`: one cell, the set of values; null over nothing. */
export class DistinctCount implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  readonly #limit: number;
  #selected: Value = 0;

  constructor(template: Cells, path: string, select: Select, limit: number) {
    this.#at = template.push(null) - 1;
    this.#path = path;
    this.#select = select;
    this.#limit = limit;
  }

  #seen(cells: Cells): Set<Value> | null {
    return cells[this.#at] as Set<Value> | null;
  }

  select(value: unknown): void {
    const selected = this.#select(value);
    if (typeof selected === "string") this.#selected = selected;
    else if (typeof selected === "number" && Number.isFinite(selected)) this.#selected = selected;
    else throw valueError(this.#path, `expected a string or a finite number, found ${kindOf(selected)}`);
  }

  check(cells: Cells): void {
    const seen = this.#seen(cells);
    if (seen !== null && seen.size >= this.#limit && !seen.has(this.#selected)) throw this.#full();
  }

  apply(cells: Cells): void {
    const seen = this.#seen(cells);
    if (seen === null) cells[this.#at] = new Set([this.#selected]);
    else seen.add(this.#selected);
  }

  merge(into: Cells, from: Cells): void {
    const other = this.#seen(from);
    if (other === null) return;
    const union = new Set(this.#seen(into) ?? []);
    for (const value of other) union.add(value);
    if (union.size > this.#limit) throw this.#full();
    into[this.#at] = union;
  }

  own(cells: Cells): void {
    const seen = this.#seen(cells);
    if (seen !== null) cells[this.#at] = new Set(seen);
  }

  result(cells: Cells): unknown {
    return this.#seen(cells)?.size ?? 0;
  }

  write(cells: Cells, out: ByteWriter): void {
    const seen = this.#seen(cells);
    out.integer(seen?.size ?? 0);
    for (const value of seen ?? []) {
      if (typeof value === "number") {
        out.byte(NUMBER);
        out.double(value);
      } else {
        out.byte(STRING);
        out.string(value);
      }
    }
  }

  read(cells: Cells, input: ByteReader): void {
    const size = input.integer();
    if (size === 0) return;
    const seen = new Set<Value>();
    for (let n = 0; n < size; n++) seen.add(input.byte() === NUMBER ? input.double() : input.string());
    cells[this.#at] = seen;
  }

  #full(): RecordError {
    return new RecordError(
      `"${this.#path}" has seen ${this.#limit} different values and its limit allows no more: raise the limit, or count something coarser`,
      {
        code: "AGGREGATE_LIMIT",
      },
    );
  }
}
