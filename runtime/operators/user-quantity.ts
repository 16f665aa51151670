import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { invariant } from "../errors/errors.ts";
import { type Cells, type Quantity, valueError } from "./quantity.ts";
import type { Storable } from "./storable.ts";

/** The functions of `accumulate`, `aggregate` and `reduce`, untyped. */
export interface UserFunctions {
  /** Absent: the first value is the accumulator. */
  readonly initial?: (() => unknown) | undefined;
  readonly add: (accumulator: unknown, value: unknown) => unknown;
  readonly merge?: ((left: unknown, right: unknown) => unknown) | undefined;
}

/** A quantity of the user's own: one cell; undefined over nothing where there is no initial accumulator. */
export class UserQuantity implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #functions: UserFunctions;
  readonly #values: Storable;
  #value: unknown;
  /** What `check` made of each aggregate, until `apply`. */
  readonly #next: unknown[] = [];

  /** `initial` runs once, here: accumulators are frozen, so all aggregates can begin with the same one. */
  constructor(template: Cells, path: string, functions: UserFunctions, values: Storable) {
    const initial = functions.initial === undefined ? undefined : values.admit(functions.initial());
    this.#at = template.push(initial) - 1;
    this.#path = path;
    this.#functions = functions;
    this.#values = values;
  }

  select(value: unknown): void {
    this.#value = value;
  }

  check(cells: Cells, slot: number): void {
    const current = cells[this.#at];
    this.#next[slot] = this.#admit(current === undefined ? this.#value : this.#functions.add(current, this.#value));
  }

  apply(cells: Cells, slot: number): void {
    cells[this.#at] = this.#next[slot];
    this.#next[slot] = undefined;
  }

  merge(into: Cells, from: Cells): void {
    const right = from[this.#at];
    if (right === undefined) return;
    const left = into[this.#at];
    const { merge } = this.#functions;
    invariant(merge !== undefined, `"${this.#path}" merges sessions without a merge function`);
    into[this.#at] = left === undefined ? right : this.#admit(merge(left, right));
  }

  #admit(accumulator: unknown): unknown {
    try {
      return this.#values.admit(accumulator);
    } catch (error) {
      throw valueError(this.#path, (error as Error).message, error);
    }
  }

  result(cells: Cells): unknown {
    return cells[this.#at];
  }

  write(cells: Cells, out: ByteWriter): void {
    const accumulator = cells[this.#at];
    out.byte(accumulator === undefined ? 0 : 1);
    if (accumulator !== undefined) this.#values.codec.write(accumulator, out);
  }

  read(cells: Cells, input: ByteReader): void {
    if (input.byte() === 1) cells[this.#at] = this.#values.codec.read(input);
  }
}
