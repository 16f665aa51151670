import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { type Cells, type Quantity, valueError } from "./quantity.ts";
import type { Storable } from "./storable.ts";
import type { Select } from "./sums.ts";

/** `first` and `last` by event time: two cells, the time (null over nothing) and the value. */
export class FirstOrLast implements Quantity {
  readonly #at: number;
  readonly #path: string;
  readonly #select: Select;
  readonly #isLast: boolean;
  readonly #values: Storable;
  #selected: unknown;

  constructor(template: Cells, path: string, select: Select, kind: "first" | "last", values: Storable) {
    this.#at = template.push(null, null) - 2;
    this.#path = path;
    this.#select = select;
    this.#isLast = kind === "last";
    this.#values = values;
  }

  select(value: unknown): void {
    this.#selected = this.#select(value);
  }

  check(cells: Cells, _slot: number, timestampMs: number): void {
    if (!this.#replaces(cells, timestampMs)) return;
    try {
      this.#values.admit(this.#selected);
    } catch (error) {
      throw valueError(this.#path, (error as Error).message, error);
    }
  }

  apply(cells: Cells, _slot: number, timestampMs: number): void {
    if (!this.#replaces(cells, timestampMs)) return;
    cells[this.#at] = timestampMs;
    cells[this.#at + 1] = this.#selected;
  }

  /** Of equal times the first to arrive is the first, and the last to arrive the last. */
  #replaces(cells: Cells, timestampMs: number): boolean {
    const current = cells[this.#at] as number | null;
    if (current === null) return true;
    return this.#isLast ? timestampMs >= current : timestampMs < current;
  }

  merge(into: Cells, from: Cells): void {
    const timestampMs = from[this.#at] as number | null;
    if (timestampMs === null || !this.#replaces(into, timestampMs)) return;
    into[this.#at] = timestampMs;
    into[this.#at + 1] = from[this.#at + 1];
  }

  result(cells: Cells): unknown {
    return cells[this.#at + 1];
  }

  write(cells: Cells, out: ByteWriter): void {
    const timestampMs = cells[this.#at] as number | null;
    out.byte(timestampMs === null ? 0 : 1);
    if (timestampMs === null) return;
    out.double(timestampMs);
    this.#values.codec.write(cells[this.#at + 1], out);
  }

  read(cells: Cells, input: ByteReader): void {
    if (input.byte() === 0) return;
    cells[this.#at] = input.double();
    cells[this.#at + 1] = this.#values.codec.read(input);
  }
}
