import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import type { Aggregator, AggregatorOptions, AggregatorTree } from "../dsl/aggregators.ts";
import { InvariantError, invariant } from "../errors/errors.ts";
import { DecimalAverage, NumberAverage } from "./averages.ts";
import { Conditional } from "./conditional.ts";
import { DistinctCount } from "./distinct-count.ts";
import { Extreme } from "./extremes.ts";
import { FirstOrLast } from "./first-last.ts";
import { Collected, TopN } from "./kept-values.ts";
import type { Cells, Quantity } from "./quantity.ts";
import { type Storable, storable } from "./storable.ts";
import { Count, DecimalSum, NumberSum, type Select } from "./sums.ts";
import { type UserFunctions, UserQuantity } from "./user-quantity.ts";

/** Where a result goes in the object that an aggregate results in: one of the two is there. */
interface Field {
  readonly name: string;
  readonly quantity: Quantity | undefined;
  readonly fields: readonly Field[];
}

/** The quantities of a tree of aggregators, side by side, each with its place in the result. */
export class QuantityTree {
  readonly #all: readonly Quantity[];
  readonly #selecting: readonly Required<Pick<Quantity, "select">>[];
  readonly #checking: readonly Required<Pick<Quantity, "check">>[];
  readonly #owning: readonly Required<Pick<Quantity, "own">>[];
  readonly #fields: readonly Field[];

  /** Puts the initial cells behind those that the template has already. */
  constructor(template: Cells, tree: AggregatorTree<never>, path = "") {
    const all: Quantity[] = [];
    this.#fields = fieldsOf(template, tree, path, all);
    this.#all = all;
    this.#selecting = all.filter((each) => each.select !== undefined) as Required<Quantity>[];
    this.#checking = all.filter((each) => each.check !== undefined) as Required<Quantity>[];
    this.#owning = all.filter((each) => each.own !== undefined) as Required<Quantity>[];
  }

  select(value: unknown): void {
    const selecting = this.#selecting;
    for (let n = 0; n < selecting.length; n++) selecting[n]!.select(value);
  }

  check(cells: Cells, slot: number, timestampMs: number): void {
    const checking = this.#checking;
    for (let n = 0; n < checking.length; n++) checking[n]!.check(cells, slot, timestampMs);
  }

  apply(cells: Cells, slot: number, timestampMs: number): void {
    const all = this.#all;
    for (let n = 0; n < all.length; n++) all[n]!.apply(cells, slot, timestampMs);
  }

  merge(into: Cells, from: Cells): void {
    for (const quantity of this.#all) quantity.merge(into, from);
  }

  own(cells: Cells): void {
    for (const quantity of this.#owning) quantity.own(cells);
  }

  /** Adds the results to an object. */
  result(cells: Cells, target: Record<string, unknown> = {}): Record<string, unknown> {
    return fill(target, this.#fields, cells);
  }

  write(cells: Cells, out: ByteWriter): void {
    for (const quantity of this.#all) quantity.write(cells, out);
  }

  read(cells: Cells, input: ByteReader): void {
    for (const quantity of this.#all) quantity.read(cells, input);
  }
}

function fill(target: Record<string, unknown>, fields: readonly Field[], cells: Cells): Record<string, unknown> {
  for (let n = 0; n < fields.length; n++) {
    const { name, quantity, fields: nested } = fields[n]!;
    target[name] = quantity === undefined ? fill({}, nested, cells) : quantity.result(cells);
  }
  return target;
}

function fieldsOf(template: Cells, tree: AggregatorTree<never>, path: string, all: Quantity[]): Field[] {
  return Object.entries(tree).map(([name, item]) => {
    const here = path === "" ? name : `${path}.${name}`;
    if (!isAggregator(item)) return { name, quantity: undefined, fields: fieldsOf(template, item, here, all) };
    const quantity = quantityOf(template, item, here);
    all.push(quantity);
    return { name, quantity, fields: [] };
  });
}

const isAggregator = (item: Aggregator<never, unknown> | AggregatorTree<never>): item is Aggregator<never, unknown> =>
  typeof item.kind === "string";

function quantityOf(template: Cells, aggregator: Aggregator<never, unknown>, path: string): Quantity {
  const { kind, options = {} } = aggregator;
  const select = aggregator.select as Select;
  switch (kind) {
    case "count":
      return new Count(template);
    case "sum":
      return options.scale === undefined
        ? new NumberSum(template, path, select)
        : new DecimalSum(template, path, select, options.scale);
    case "average":
      return options.scale === undefined
        ? new NumberAverage(template, path, select)
        : new DecimalAverage(template, path, select, options.scale);
    case "min":
    case "max":
      return new Extreme(template, path, select, kind);
    case "first":
    case "last":
      return new FirstOrLast(template, path, select, kind, valuesOf(options, path));
    case "distinctCount":
      return new DistinctCount(template, path, select, limitOf(options, path));
    case "topN": {
      const by = options.by as Select | undefined;
      invariant(by !== undefined, `topN "${path}" has nothing to rank by`);
      return new TopN(template, path, { select, by, limit: limitOf(options, path), values: valuesOf(options, path) });
    }
    case "collect":
      return new Collected(template, path, { select, limit: limitOf(options, path), values: valuesOf(options, path) });
    case "when": {
      const { predicate, of } = options;
      invariant(predicate !== undefined && of !== undefined, `when "${path}" has no predicate or no quantities`);
      return new Conditional(predicate as Select, new QuantityTree(template, of, path));
    }
    case "aggregate":
      return new UserQuantity(template, path, userFunctionsOf(options, path), valuesOf(options, path));
    default:
      throw new InvariantError(`"${path}" is an aggregator of unknown kind "${String(kind)}"`);
  }
}

function limitOf(options: AggregatorOptions, path: string): number {
  invariant(options.limit !== undefined, `"${path}" has no limit`);
  return options.limit;
}

function valuesOf(options: AggregatorOptions, path: string): Storable {
  invariant(options.schema !== undefined, `"${path}" has no schema`);
  return storable(options.schema);
}

function userFunctionsOf({ initial, add, merge }: AggregatorOptions, path: string): UserFunctions {
  invariant(add !== undefined, `"${path}" has nothing that adds to its accumulator`);
  return { initial, add: add as UserFunctions["add"], merge: merge as UserFunctions["merge"] };
}
