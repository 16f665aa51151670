import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Cells, Quantity } from "./quantity.ts";
import type { QuantityTree } from "./quantity-tree.ts";

/** `when`: the cells of the tree it guards, and none of its own. */
export class Conditional implements Quantity {
  readonly #predicate: (value: unknown) => unknown;
  readonly #tree: QuantityTree;
  #accepted = false;

  constructor(predicate: (value: unknown) => unknown, tree: QuantityTree) {
    this.#predicate = predicate;
    this.#tree = tree;
  }

  select(value: unknown): void {
    this.#accepted = Boolean(this.#predicate(value));
    if (this.#accepted) this.#tree.select(value);
  }

  check(cells: Cells, slot: number, timestampMs: number): void {
    if (this.#accepted) this.#tree.check(cells, slot, timestampMs);
  }

  apply(cells: Cells, slot: number, timestampMs: number): void {
    if (this.#accepted) this.#tree.apply(cells, slot, timestampMs);
  }

  merge(into: Cells, from: Cells): void {
    this.#tree.merge(into, from);
  }

  own(cells: Cells): void {
    this.#tree.own(cells);
  }

  result(cells: Cells): unknown {
    return this.#tree.result(cells);
  }

  write(cells: Cells, out: ByteWriter): void {
    this.#tree.write(cells, out);
  }

  read(cells: Cells, input: ByteReader): void {
    this.#tree.read(cells, input);
  }
}
