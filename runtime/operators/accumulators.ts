import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";
import type { AggregatorTree } from "../dsl/aggregators.ts";
import type { AggregateNode, UserAggregate } from "../dsl/topology.ts";
import { invariant } from "../errors/errors.ts";
import { checkLayout } from "./layout.ts";
import type { Cells } from "./quantity.ts";
import { QuantityTree } from "./quantity-tree.ts";
import { storable } from "./storable.ts";
import { UserQuantity } from "./user-quantity.ts";

/** Of the bytes in stores and changelogs. Raised when the layout of a quantity changes. */
const LAYOUT_VERSION = 1;

/**
 * What an aggregate step does with its cells. A record is added with `select` once, then `check` for every aggregate that it is added
 * to, then `apply` for each of them: if anything throws before the first `apply`, nothing has changed.
 */
export interface Accumulator {
  /** The cells of an aggregate over nothing. */
  create(): Cells;
  /** Runs the user's functions on the record. */
  select(value: unknown): void;
  /** Whether what was selected can be added. @throws RecordError, or what a user's function throws */
  check(cells: Cells, slot: number, timestampMs: number): void;
  apply(cells: Cells, slot: number, timestampMs: number): void;
  /** A new aggregate of two, the earlier one first. @throws RecordError, or what a user's function throws */
  merge(left: Cells, right: Cells): Cells;
  clone(cells: Cells): Cells;
  result(cells: Cells): unknown;
  /** With the window's bounds in it, if the result is an object of named quantities. */
  windowResult(cells: Cells, startMs: number, endMs: number): unknown;
  readonly codec: Codec<Cells>;
}

/** The highest event time of what was aggregated. */
export const timestampOf = (cells: Cells): number => cells[0] as number;

/** The run-time half of a step's aggregators. */
export function compileAccumulator(node: Pick<AggregateNode, "id" | "aggregators">): Accumulator {
  const template: Cells = [Number.NEGATIVE_INFINITY];
  if (!isUserAggregate(node.aggregators)) {
    const tree = new QuantityTree(template, node.aggregators);
    return new CellsAccumulator(template, tree, true);
  }
  const { schema } = node.aggregators;
  invariant(schema !== undefined, `the accumulator of "${node.id}" has no schema`);
  return new CellsAccumulator(template, new UserQuantity(template, node.id, node.aggregators, storable(schema)), false);
}

const isUserAggregate = (aggregators: AggregatorTree<never> | UserAggregate): aggregators is UserAggregate =>
  aggregators["user"] === true;

class CellsAccumulator implements Accumulator {
  readonly codec: Codec<Cells>;
  readonly #template: Cells;
  readonly #content: QuantityTree | UserQuantity;
  readonly #isTree: boolean;

  constructor(template: Cells, content: QuantityTree | UserQuantity, isTree: boolean) {
    this.#template = template;
    this.#content = content;
    this.#isTree = isTree;
    this.codec = {
      write: (cells, out) => this.#write(cells, out),
      read: (input) => this.#read(input),
    };
  }

  create(): Cells {
    return this.#template.slice();
  }

  select(value: unknown): void {
    this.#content.select(value);
  }

  check(cells: Cells, slot: number, timestampMs: number): void {
    this.#content.check(cells, slot, timestampMs);
  }

  apply(cells: Cells, slot: number, timestampMs: number): void {
    if (timestampMs > (cells[0] as number)) cells[0] = timestampMs;
    this.#content.apply(cells, slot, timestampMs);
  }

  merge(left: Cells, right: Cells): Cells {
    const merged = this.clone(left);
    if (timestampOf(right) > timestampOf(merged)) merged[0] = right[0];
    this.#content.merge(merged, right);
    return merged;
  }

  clone(cells: Cells): Cells {
    const copy = cells.slice();
    if (this.#content instanceof QuantityTree) this.#content.own(copy);
    return copy;
  }

  result(cells: Cells): unknown {
    return this.#content.result(cells);
  }

  windowResult(cells: Cells, windowStartMs: number, windowEndMs: number): unknown {
    if (!this.#isTree) return this.#content.result(cells);
    return (this.#content as QuantityTree).result(cells, { windowStartMs, windowEndMs });
  }

  #write(cells: Cells, out: ByteWriter): void {
    out.byte(LAYOUT_VERSION);
    out.double(timestampOf(cells));
    this.#content.write(cells, out);
  }

  #read(input: ByteReader): Cells {
    checkLayout(input.byte(), LAYOUT_VERSION);
    const cells = this.create();
    cells[0] = input.double();
    this.#content.read(cells, input);
    return cells;
  }
}
