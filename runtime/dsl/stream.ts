import type { KeyOf, KeyType } from "../../schemas/key-type.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { AggregateResult, AggregatorTree } from "./aggregators.ts";
import type { CallFailure, CallOptions } from "./call.ts";
import type { Duration } from "./duration.ts";
import type { GraphBuilder, StreamState } from "./graph-builder.ts";
import type { ProcessOptions, ProcessStoreDefinition } from "./process.ts";
import type { RecordContext } from "./record.ts";
import { selectorPath } from "./selector-path.ts";
import type { Table } from "./table.ts";
import type { TopicDefinition, TopicKey, TopicValue } from "./topic.ts";
import type { Edge, JoinNode, UserAggregate, UserFunction } from "./topology.ts";
import type { Emit, WindowBounds, Windows } from "./windows.ts";

/** Fields that a windowed aggregate adds to its result. */
export interface WindowFields {
  readonly windowStartMs: number;
  readonly windowEndMs: number;
}

export interface AggregateOptions {
  /** @default "on-commit" */
  readonly emit?: Emit;
}

/** Options of `aggregate` with functions. */
export interface UserAggregateOptions<V, A> extends AggregateOptions {
  readonly initial: () => A;
  /** Returns the next accumulator; must not change the one it is given. */
  readonly add: (accumulator: A, value: V) => A;
  /** Joins the accumulators of two sessions, the earlier first; session windows need it. */
  readonly merge?: (left: A, right: A) => A;
  readonly schema: Schema<A>;
}

type Handed<V, K, W, R> = (value: V, record: RecordContext<K, W>) => R;

/**
 * A stream of keyed records. Every method describes a step and returns the stream behind it; nothing runs here.
 * `K` is the key, `V` the value, `W` the window behind a windowed aggregate.
 */
export class Stream<K, V, W = undefined> {
  protected readonly builder: GraphBuilder;
  /** @internal */
  readonly state: StreamState;

  constructor(builder: GraphBuilder, state: StreamState) {
    this.builder = builder;
    this.state = state;
  }

  /** Keeps the records that the predicate accepts. */
  filter<U extends V>(predicate: (value: V, record: RecordContext<K, W>) => value is U): Stream<K, U, W>;
  filter(predicate: Handed<V, K, W, boolean>): Stream<K, V, W>;
  filter(predicate: Handed<V, K, W, boolean>): Stream<K, V, W> {
    return this.#then(this.builder.addUnnamed({ kind: "filter", inputs: [this.state.at], predicate }));
  }

  /**
   * Turns each value into another one. The key stays.
   * @param schema needed where the result is repartitioned or stored further on
   */
  map<R>(fn: Handed<V, K, W, R>, schema?: Schema<R>): Stream<K, R, W> {
    const node = this.builder.addUnnamed({ kind: "map", inputs: [this.state.at], fn });
    return this.#then(node, { schema, keyPath: undefined });
  }

  /** Turns each value into none, one or many. The key stays. */
  flatMap<R>(fn: Handed<V, K, W, Iterable<R>>, schema?: Schema<R>): Stream<K, R, W> {
    const node = this.builder.addUnnamed({ kind: "flatMap", inputs: [this.state.at], fn });
    return this.#then(node, { schema, keyPath: undefined });
  }

  /** Lets a function look at each record. It runs once per processing, so again after a crash: not a place for effects that must not repeat. */
  peek(fn: Handed<V, K, W, void>): Stream<K, V, W> {
    return this.#then(this.builder.addUnnamed({ kind: "peek", inputs: [this.state.at], fn }));
  }

  /**
   * Gives each record a new key. A stateful step behind it reads through a repartition topic; if the selector reads the field that
   * is the key already, nothing happens.
   * @param keyType the bytes of the new key. @default "string"
   */
  keyBy(select: (value: V, record: RecordContext<K, W>) => string): Stream<string, V>;
  keyBy<const KT extends KeyType>(
    select: (value: V, record: RecordContext<K, W>) => KeyOf<KT>,
    keyType: KT,
  ): Stream<KeyOf<KT>, V>;
  keyBy(select: UserFunction, keyType: KeyType = "string"): never {
    return this.#keyBy(select, keyType) as never;
  }

  /** Parts the stream: a record leaves by the first branch that accepts it, or by `otherwise`. */
  branch<const B extends Readonly<Record<string, Handed<V, K, W, boolean>>>>(
    branches: B,
  ): { readonly [N in keyof B | "otherwise"]: Stream<K, V, W> } {
    if ("otherwise" in branches)
      this.builder.issue(
        "JOB_BRANCH_NAME",
        "otherwise",
        `"otherwise" is the branch of what no other branch accepts: name yours differently`,
      );
    const node = this.builder.addUnnamed({ kind: "branch", inputs: [this.state.at], predicates: branches });
    const streams = [...Object.keys(branches), "otherwise"].map((edge) => [
      edge,
      new Stream(this.builder, { ...this.state, at: { node, edge } }),
    ]);
    return Object.fromEntries(streams);
  }

  /** All records of this stream and the others, in order of event time as far as they arrive together. */
  merge(...others: readonly Stream<K, V, W>[]): Stream<K, V, W> {
    const states = [this.state, ...others.map((other) => other.state)];
    const keyTypes = new Set(states.map((state) => JSON.stringify(state.keyType)));
    if (keyTypes.size > 1)
      this.builder.issue(
        "JOB_MERGE_KEY",
        "merge",
        `merged streams have keys of types ${[...keyTypes].join(" and ")}: give them the same key with keyBy first`,
      );
    const displaced = states.some((state) => state.displaced);
    const node = this.builder.addUnnamed({ kind: "merge", inputs: states.map((state) => state.at) });
    const same = <T>(values: readonly T[]) => (values.every((value) => value === values[0]) ? values[0] : undefined);
    return this.#then(node, {
      displaced,
      schema: same(states.map((state) => state.schema)),
      keyPath: same(states.map((state) => state.keyPath)),
    });
  }

  /** Groups the records of a key by time; follow it with `aggregate` or `reduce`. */
  window(windows: Windows): WindowedStream<K, V> {
    return new WindowedStream(this.builder, this.state, windows);
  }

  /**
   * Aggregates all records of a key, for ever. The result is an updating stream, and with `asTable` a table to join with.
   * State: one store under the step's name, and its changelog.
   */
  aggregate<const S extends AggregatorTree<V>>(
    name: string,
    aggregators: S,
    options?: AggregateOptions,
  ): Aggregated<K, AggregateResult<S>>;
  aggregate<A>(name: string, options: UserAggregateOptions<V, A>): Aggregated<K, A>;
  aggregate(
    name: string,
    what: AggregatorTree<V> | UserAggregateOptions<V, unknown>,
    options: AggregateOptions = {},
  ): Aggregated<K, never> {
    return aggregateNode(this.builder, this.state, name, what, options, undefined) as unknown as Aggregated<K, never>;
  }

  /** Joins each value with what the values before it became. The first value of a key stands for itself. */
  reduce(name: string, add: (accumulator: V, value: V) => V, options: AggregateOptions = {}): Aggregated<K, V> {
    return aggregateNode(
      this.builder,
      this.state,
      name,
      { user: true, add, schema: this.state.schema },
      options,
      undefined,
    ) as unknown as Aggregated<K, V>;
  }

  /** Joins each record with the table's value for its key at that moment; records without one are dropped. The table and the stream must have the same number of partitions. */
  join<T, R>(
    name: string,
    table: Table<K, T>,
    fn: (value: V, tableValue: T, record: RecordContext<K, W>) => R,
    schema?: Schema<R>,
  ): Stream<K, R> {
    return this.#join("inner", name, table, fn, schema);
  }

  /** Like `join`, but a record without a table value goes on with undefined. */
  leftJoin<T, R>(
    name: string,
    table: Table<K, T>,
    fn: (value: V, tableValue: T | undefined, record: RecordContext<K, W>) => R,
    schema?: Schema<R>,
  ): Stream<K, R> {
    return this.#join("left", name, table, fn, schema);
  }

  /**
   * Keyed state and durable timers with code of one's own. State, timers and what they emit are in the same commit as the record that
   * caused them.
   */
  process<
    const S extends Readonly<Record<string, ProcessStoreDefinition>> = Readonly<Record<never, never>>,
    const T extends string = never,
    Out = never,
  >(name: string, options: ProcessOptions<K, V, S, T, Out, W>): Stream<K, Out> {
    const state = keyed(this.builder, this.state, name);
    const node = this.builder.addNamed(name, {
      kind: "process",
      inputs: [state.at],
      stores: options.stores ?? {},
      timers: options.timers ?? ({} as Record<string, never>),
      onRecord: options.onRecord,
      ...(options.onTimer && { onTimer: options.onTimer }),
      keyType: state.keyType ?? "string",
    });
    return new Stream(this.builder, { ...state, at: { node }, schema: options.output, keyPath: undefined });
  }

  /**
   * Calls an institution for each record, many at once, and goes on with what its handler returns.
   *
   * Order: records of one `orderKey` are called one after the other; results leave as they come. What cannot be called now, or failed, waits in retry tiers (topics) and
   * holds up nothing else; with `order: "strict"` it holds up what follows it under its `orderKey`. A record's key stays.
   * Steps between the topic and the call run again for every attempt. Steps with state behind it read through a repartition topic.
   *
   * Delivery: results, retries, dead letters, state and offsets are in one commit. A call that had ended when its worker died is made again, under the
   * same idempotency key; one whose end was committed is not. State: which records ended out of order, what is held, and what waits; with its changelogs.
   * @throws {DefinitionError} JOB_CALL_TIERS, JOB_CALL_LIMIT, JOB_CALL_ORDER, JOB_CALL_MERGED, JOB_CALL_POLICY
   * @example
   * from(requests)
   *   .call("collect", {
   *     resource: ({ institution }) => institution,
   *     orderKey: ({ customerId, institution }) => `${customerId}/${institution}`,
   *     policy: { timeout: "10 seconds", circuit: { errorRate: 0.5 } },
   *     handler: async (request, { signal }) => done(await fetchAccounts(request, signal)),
   *   })
   *   .to(accounts);
   */
  call<Out>(name: string, options: CallOptions<K, V, Out>): CallResult<K, Out, V> {
    const state = this.builder.repartition(this.state, name);
    const {
      output,
      order = "strict",
      concurrency = 1_000,
      admittedMax = Math.max(1_000, 2 * concurrency),
      heldMax = 1_000,
      tiers = TIERS,
      policy = {},
      ...rest
    } = options;
    const node = this.builder.addNamed(name, {
      kind: "call",
      inputs: [state.at],
      ...rest,
      ...{ order, concurrency, admittedMax, heldMax, tiers, policy },
      shape: { keyType: state.keyType, schema: state.schema },
    });
    // Results leave in the order of the calls' ends: whoever keeps state reads them through a topic of their own.
    return new CallResult(
      this.builder,
      {
        ...{ ...state, at: { node }, schema: output, keyPath: undefined, displaced: true },
      },
      state.schema,
    );
  }

  /** Writes the records to a topic, under their key. The topic's partitions follow from the key. */
  to<T extends TopicDefinition>(
    topic: T & ([K, V] extends [TopicKey<T>, TopicValue<T>] ? unknown : SinkMismatch<K, V, TopicKey<T>, TopicValue<T>>),
  ): void {
    this.builder.addUnnamed({ kind: "sink", inputs: [this.state.at], topic, keyType: this.state.keyType });
  }

  #keyBy(select: UserFunction, keyType: KeyType): Stream<unknown, V> {
    const path = selectorPath(select);
    if (path !== undefined && path === this.state.keyPath && keyType === this.state.keyType)
      return new Stream(this.builder, this.state);
    const node = this.builder.addUnnamed({
      kind: "keyBy",
      inputs: [this.state.at],
      select,
      keyType,
      ...(path !== undefined && { path }),
    });
    return new Stream(this.builder, { ...this.state, at: { node }, keyType, keyPath: path, displaced: true });
  }

  #join<R>(
    join: JoinNode["join"],
    name: string,
    table: Pick<Table<never, unknown>, "node" | "keyType">,
    fn: JoinNode["fn"],
    schema: Schema<R> | undefined,
  ): Stream<K, R> {
    const state = keyed(this.builder, this.state, name);
    if (JSON.stringify(state.keyType) !== JSON.stringify(table.keyType)) {
      this.builder.issue(
        "JOB_JOIN_KEY",
        name,
        `the stream's key is of type ${JSON.stringify(state.keyType)} and the table's of type ${JSON.stringify(table.keyType)}: use keyBy to give the stream the table's key`,
      );
    }
    const node = this.builder.addNamed(name, { kind: "join", inputs: [state.at], join, table: table.node, fn });
    return new Stream(this.builder, { ...state, at: { node }, schema, keyPath: undefined });
  }

  #then<R>(
    node: string,
    change: Partial<StreamState> & { schema?: Schema<unknown> | undefined } = {},
  ): Stream<K, R & V, W> & Stream<K, R, W> {
    return new Stream<K, R, W>(this.builder, { ...this.state, ...change, at: { node } }) as Stream<K, R & V, W> &
      Stream<K, R, W>;
  }
}

const TIERS: readonly Duration[] = ["10 seconds", "1 minute", "10 minutes", "1 hour"];

/** What a call returned, and beside it the records that ended without a result. */
export class CallResult<K, Out, V> extends Stream<K, Out> {
  readonly #schema: Schema<unknown> | undefined;

  constructor(builder: GraphBuilder, state: StreamState, schema: Schema<unknown> | undefined) {
    super(builder, state);
    this.#schema = schema;
  }

  /** The records that are dead letters now, and why; sent on in the same commit. */
  get dead(): Stream<K, CallFailure<V>> {
    return this.#edge("dead", undefined);
  }

  /** The records that were dropped because a later one of their `orderKey` had succeeded ("lastSuccessWins"). */
  get superseded(): Stream<K, V> {
    return this.#edge("superseded", this.#schema);
  }

  /** The orders to forget somebody, when they are obeyed in this partition. */
  get erased(): Stream<K, V> {
    return this.#edge("erased", this.#schema);
  }

  #edge<E>(edge: string, schema: Schema<unknown> | undefined): Stream<K, E> {
    return new Stream(this.builder, { ...this.state, at: { node: this.state.at.node, edge }, schema });
  }
}

/** Shows in an editor why a stream cannot go to a topic. */
export interface SinkMismatch<K, V, TK, TV> {
  readonly "the stream's key and value": readonly [K, V];
  readonly "must fit the topic's": readonly [TK, TV];
}

/** A stream grouped by time, waiting for what to aggregate. */
export class WindowedStream<K, V> {
  readonly #builder: GraphBuilder;
  readonly #state: StreamState;
  readonly #windows: Windows;

  constructor(builder: GraphBuilder, state: StreamState, windows: Windows) {
    this.#builder = builder;
    this.#state = state;
    this.#windows = windows;
  }

  /**
   * Aggregates the records of each key and window. The result carries `windowStartMs` and `windowEndMs`, and steps behind it see the window
   * in their context; its key stays the record's key. Its timestamp is the highest event time in the window.
   */
  aggregate<const S extends AggregatorTree<V>>(
    name: string,
    aggregators: S,
    options?: AggregateOptions,
  ): WindowedResult<K, AggregateResult<S> & WindowFields, V>;
  aggregate<A>(name: string, options: UserAggregateOptions<V, A>): WindowedResult<K, A, V>;
  aggregate(
    name: string,
    what: AggregatorTree<V> | UserAggregateOptions<V, unknown>,
    options: AggregateOptions = {},
  ): WindowedResult<K, never, V> {
    return aggregateNode(this.#builder, this.#state, name, what, options, this.#windows) as unknown as WindowedResult<
      K,
      never,
      V
    >;
  }

  /** Joins the values of each key and window, in order of arrival. */
  reduce(name: string, add: (accumulator: V, value: V) => V, options: AggregateOptions = {}): WindowedResult<K, V, V> {
    return aggregateNode(
      this.#builder,
      this.#state,
      name,
      { user: true, add, merge: add, schema: this.#state.schema },
      options,
      this.#windows,
    ) as unknown as WindowedResult<K, V, V>;
  }
}

/** The results of a windowed aggregate, and beside them the records that came too late. */
export class WindowedResult<K, R, V> extends Stream<K, R, WindowBounds> {
  readonly #late: StreamState;

  constructor(builder: GraphBuilder, state: StreamState, late: StreamState) {
    super(builder, state);
    this.#late = late;
  }

  /** The records whose windows had all closed before they arrived, as they were. They are counted also if nobody reads this. */
  get late(): Stream<K, V> {
    return new Stream(this.builder, this.#late);
  }
}

/** The results of an aggregate without windows: a stream of updates that can also be looked up. */
export class Aggregated<K, R> extends Stream<K, R> {
  /** The latest result per key as a table. */
  asTable(): Table<K, R> {
    return { node: this.state.at.node, keyType: this.state.keyType };
  }
}

function keyed(builder: GraphBuilder, state: StreamState, step: string): StreamState {
  if (state.keyType === null) {
    builder.issue(
      "JOB_KEY_MISSING",
      step,
      `"${step}" keeps state per key, but its records have no key: use keyBy in front of it, or give the topic a key`,
    );
  }
  return builder.repartition(state, step);
}

function aggregateNode(
  builder: GraphBuilder,
  before: StreamState,
  name: string,
  what: AggregatorTree<never> | UserAggregateOptions<never, unknown> | UserAggregate,
  options: AggregateOptions,
  windows: Windows | undefined,
): Stream<unknown, unknown> {
  const state = keyed(builder, before, name);
  const { aggregators, emit, schema } = aggregation(what, options);
  const node = builder.addNamed(name, {
    kind: "aggregate",
    inputs: [state.at],
    store: name,
    aggregators,
    ...(windows && { windows }),
    emit,
    keyType: state.keyType ?? "string",
  });
  const at: Edge = { node };
  const result: StreamState = { ...state, at, schema, keyPath: undefined };
  if (windows === undefined) return new Aggregated(builder, result);
  return new WindowedResult(builder, result, { ...state, at: { node, edge: "late" } }) as unknown as Stream<
    unknown,
    unknown
  >;
}

const isUserAggregate = (what: object): what is UserAggregate => (what as Partial<UserAggregate>).user === true;

function aggregation(
  what: AggregatorTree<never> | UserAggregateOptions<never, unknown> | UserAggregate,
  options: AggregateOptions,
) {
  if (isUserAggregate(what))
    return {
      aggregators: what as UserAggregate,
      emit: options.emit ?? "on-commit",
      schema: (what as UserAggregate).schema,
    };
  if (typeof what["add"] === "function") {
    const { initial, add, merge, schema, emit } = what as UserAggregateOptions<never, unknown>;
    const aggregators: UserAggregate = { user: true, initial, add, ...(merge && { merge }), schema };
    return { aggregators, emit: emit ?? "on-commit", schema };
  }
  return { aggregators: what as AggregatorTree<never>, emit: options.emit ?? "on-commit", schema: undefined };
}
