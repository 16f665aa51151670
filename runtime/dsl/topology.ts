import type { KeyType } from "../../schemas/key-type.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { Issue } from "../errors/errors.ts";
import type { AggregatorTree } from "./aggregators.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { Duration } from "./duration.ts";
import type { ProcessStoreDefinition, TimerDomain } from "./process.ts";
import type { PositionOptions } from "./source-options.ts";
import type { TopicDefinition } from "./topic.ts";
import type { Emit, Windows } from "./windows.ts";

export type Delivery = "exactly-once" | "at-least-once";

/** Where a node's records come from; `edge` names one of several outputs ("late", or a branch). */
export interface Edge {
  readonly node: string;
  readonly edge?: string;
}

/** User functions are typed at the DSL; the graph holds them untyped. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where the types of records are erased, as in any heterogeneous graph
export type UserFunction = (...args: any[]) => any;

interface NodeBase {
  /** Unique in the job. Steps with a name have it as id; others are called after what they do and follow. */
  readonly id: string;
  readonly inputs: readonly Edge[];
}

/** Key and value of the records that leave a node, as far as they are known. */
export interface StreamShape {
  readonly keyType: KeyType | null;
  readonly schema: Schema<unknown> | undefined;
}

export type SourceNode = NodeBase &
  PositionOptions & {
    readonly kind: "source";
    readonly topic: TopicDefinition;
    readonly fields?: readonly string[];
    readonly shape: StreamShape;
  };
/** A compacted topic read as a table: its latest value per key. */
export type TableNode = NodeBase &
  PositionOptions & {
    readonly kind: "table";
    readonly topic: TopicDefinition;
    readonly store: string;
    readonly shape: StreamShape;
  };
/** Writes to an internal topic under the new key, and reads it back in another sub-topology. Inserted by the compiler's front end, never written. */
export type RepartitionNode = NodeBase & {
  readonly kind: "repartition";
  readonly topic: string;
  readonly shape: StreamShape;
};
export type FilterNode = NodeBase & { readonly kind: "filter"; readonly predicate: UserFunction };
export type MapNode = NodeBase & { readonly kind: "map"; readonly fn: UserFunction };
export type FlatMapNode = NodeBase & { readonly kind: "flatMap"; readonly fn: UserFunction };
export type PeekNode = NodeBase & { readonly kind: "peek"; readonly fn: UserFunction };
export type KeyByNode = NodeBase & {
  readonly kind: "keyBy";
  readonly select: UserFunction;
  readonly keyType: KeyType;
  readonly path?: string;
};
/** Each record leaves by the first branch whose predicate accepts it, else by "otherwise". */
export type BranchNode = NodeBase & {
  readonly kind: "branch";
  readonly predicates: Readonly<Record<string, UserFunction>>;
};
export type MergeNode = NodeBase & { readonly kind: "merge" };
export type AggregateNode = NodeBase & {
  readonly kind: "aggregate";
  readonly store: string;
  readonly aggregators: AggregatorTree<never> | UserAggregate;
  readonly windows?: Windows;
  readonly emit: Emit;
  readonly keyType: KeyType;
};
/** `reduce` (initial absent: the first value is the accumulator) and `aggregate` with functions. */
export interface UserAggregate {
  readonly user: true;
  readonly initial?: () => unknown;
  readonly add: UserFunction;
  /** Session and sliding windows need it to merge two accumulators. */
  readonly merge?: UserFunction;
  readonly schema: Schema<unknown> | undefined;
}
export type JoinNode = NodeBase & {
  readonly kind: "join";
  readonly join: "inner" | "left";
  readonly table: string;
  readonly fn: UserFunction;
};
export type ProcessNode = NodeBase & {
  readonly kind: "process";
  readonly stores: Readonly<Record<string, ProcessStoreDefinition>>;
  readonly timers: Readonly<Record<string, TimerDomain>>;
  readonly onRecord: UserFunction;
  readonly onTimer?: UserFunction;
  readonly keyType: KeyType;
};
/** Calls an institution for each record. The edges "dead", "superseded" and "erased" have the records that ended otherwise. */
export type CallNode = NodeBase & {
  readonly kind: "call";
  readonly resource: UserFunction;
  readonly orderKey?: UserFunction;
  readonly order: "strict" | "lastSuccessWins";
  readonly version?: UserFunction;
  readonly concurrency: number;
  readonly admittedMax: number;
  readonly heldMax: number;
  readonly tiers: readonly Duration[];
  readonly policy: CallPolicy | ((resource: string) => CallPolicy);
  readonly classify?: UserFunction;
  readonly erasure?: { readonly subject: UserFunction; readonly isOrder: UserFunction };
  readonly handler: UserFunction;
  readonly shape: StreamShape;
};
export type SinkNode = NodeBase & {
  readonly kind: "sink";
  readonly topic: TopicDefinition;
  readonly keyType: KeyType | null;
};

export type Node =
  | SourceNode
  | TableNode
  | RepartitionNode
  | FilterNode
  | MapNode
  | FlatMapNode
  | PeekNode
  | KeyByNode
  | BranchNode
  | MergeNode
  | AggregateNode
  | JoinNode
  | ProcessNode
  | CallNode
  | SinkNode;

/** The graph that a job describes, in order of definition: a node stands behind its inputs. */
export interface Topology {
  readonly nodes: readonly Node[];
  /** What the definition itself showed to be wrong while it was read. */
  readonly issues: readonly Issue[];
}
