import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { type Cells, type Quantity, valueError } from "./quantity.ts";
import type { Storable } from "./storable.ts";
import { finiteNumber, type Select } from "./sums.ts";

interface Ranked {
  readonly by: number;
  readonly value: unknown;
}

/** `topN`: one cell, the values with their rank, highest first; null over nothing. */
export class TopN implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #options: {
    readonly select: Select;
    readonly by: Select;
    readonly limit: number;
    readonly values: Storable;
  };
  #selected: Ranked = { by: 0, value: undefined };

  constructor(
    template: Cells,
    path: string,
    options: { readonly select: Select; readonly by: Select; readonly limit: number; readonly values: Storable },
  ) {
    this.#at = template.push(null) - 1;
    this.#path = path;
    this.#options = options;
  }

  #ranked(cells: Cells): Ranked[] {
    return (cells[this.#at] as Ranked[] | null) ?? [];
  }

  select(value: unknown): void {
    this.#selected = { by: finiteNumber(this.#path, this.#options.by(value)), value: this.#options.select(value) };
  }

  check(cells: Cells): void {
    const ranked = this.#ranked(cells);
    if (ranked.length >= this.#options.limit && ranked.at(-1)!.by >= this.#selected.by) return;
    admit(this.#path, this.#options.values, this.#selected.value);
  }

  apply(cells: Cells): void {
    cells[this.#at] = this.#with(this.#ranked(cells), this.#selected);
  }

  /** Behind all that are as high: of equal ones the earlier to arrive stays. */
  #with(ranked: readonly Ranked[], added: Ranked): readonly Ranked[] {
    let place = ranked.length;
    while (place > 0 && ranked[place - 1]!.by < added.by) place--;
    return place >= this.#options.limit ? ranked : ranked.toSpliced(place, 0, added).slice(0, this.#options.limit);
  }

  merge(into: Cells, from: Cells): void {
    if (from[this.#at] === null) return;
    let ranked: readonly Ranked[] = this.#ranked(into);
    for (const added of this.#ranked(from)) ranked = this.#with(ranked, added);
    into[this.#at] = ranked;
  }

  result(cells: Cells): unknown {
    return this.#ranked(cells).map((each) => each.value);
  }

  write(cells: Cells, out: ByteWriter): void {
    const ranked = this.#ranked(cells);
    out.integer(ranked.length);
    for (const { by, value } of ranked) {
      out.double(by);
      this.#options.values.codec.write(value, out);
    }
  }

  read(cells: Cells, input: ByteReader): void {
    const length = input.integer();
    if (length === 0) return;
    cells[this.#at] = Array.from({ length }, () => ({
      by: input.double(),
      value: this.#options.values.codec.read(input),
    }));
  }
}

/** `collect`: one cell, the values in order of arrival; null over nothing. */
export class Collected implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #options: { readonly select: Select; readonly limit: number; readonly values: Storable };
  #selected: unknown;

  constructor(
    template: Cells,
    path: string,
    options: { readonly select: Select; readonly limit: number; readonly values: Storable },
  ) {
    this.#at = template.push(null) - 1;
    this.#path = path;
    this.#options = options;
  }

  #values(cells: Cells): unknown[] {
    return (cells[this.#at] as unknown[] | null) ?? [];
  }

  select(value: unknown): void {
    this.#selected = this.#options.select(value);
  }

  check(cells: Cells): void {
    if (this.#values(cells).length < this.#options.limit) admit(this.#path, this.#options.values, this.#selected);
  }

  apply(cells: Cells): void {
    const values = this.#values(cells);
    if (values.length >= this.#options.limit) return;
    values.push(this.#selected);
    cells[this.#at] = values;
  }

  merge(into: Cells, from: Cells): void {
    if (from[this.#at] === null) return;
    into[this.#at] = [...this.#values(into), ...this.#values(from)].slice(0, this.#options.limit);
  }

  own(cells: Cells): void {
    if (cells[this.#at] !== null) cells[this.#at] = [...this.#values(cells)];
  }

  result(cells: Cells): unknown {
    return [...this.#values(cells)];
  }

  write(cells: Cells, out: ByteWriter): void {
    const values = this.#values(cells);
    out.integer(values.length);
    for (const value of values) this.#options.values.codec.write(value, out);
  }

  read(cells: Cells, input: ByteReader): void {
    const length = input.integer();
    if (length > 0) cells[this.#at] = Array.from({ length }, () => this.#options.values.codec.read(input));
  }
}

function admit(path: string, values: Storable, selected: unknown): void {
  try {
    values.admit(selected);
  } catch (error) {
    throw valueError(path, (error as Error).message, error);
  }
}
