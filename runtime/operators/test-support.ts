import { keySerde, type PrimitiveKeyType } from "../../schemas/key-serde.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { KeyCodec } from "../../state/codec.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import type { Store } from "../../state/store.ts";
import { defineJob, type From } from "../dsl/define-job.ts";
import { topic } from "../dsl/topic.ts";
import type { Node } from "../dsl/topology.ts";
import type { WindowBounds } from "../dsl/windows.ts";
import { storesOfNode } from "../plan/stores.ts";
import { type BuiltOperators, buildOperators } from "./build-operators.ts";
import { openPlannedStore } from "./open-store.ts";
import type { CurrentRecord, OperatorEnvironment } from "./operator.ts";

export interface Amount {
  readonly amount: number;
  readonly tag: string;
}

const amountSchema: Schema<Amount> = {
  avro: {
    type: "record",
    name: "Amount",
    fields: [
      { name: "amount", type: "double" },
      { name: "tag", type: "string" },
    ],
  },
};

export const textSchema: Schema<string> = { avro: "string" };
export const longSchema: Schema<number> = { avro: "long" };
export const amounts = topic("amounts", { value: amountSchema, keyType: "string" });
export const names = topic("names", { value: textSchema, keyType: "string" });
/** Takes anything: nothing is encoded here. */
export const out = topic("out", { value: { avro: "string" } as Schema<unknown>, keyType: "string" });

export interface Output {
  readonly node: string;
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly window: WindowBounds | undefined;
}

export interface Failure {
  readonly step: string;
  readonly error: unknown;
  readonly key: unknown;
  readonly value: unknown;
}

/** What a task is to its operators, in as few lines as possible: one partition, all nodes in one sub-topology, stores in memory. */
export class OperatorHarness {
  readonly outputs: Output[] = [];
  readonly failures: Failure[] = [];
  readonly logged: object[] = [];
  late = 0;
  wallClockMs = 1_000_000;
  readonly #nodes: readonly Node[];
  readonly #stores: ReadonlyMap<string, Store>;
  readonly #record: CurrentRecord = {
    key: null,
    timestampMs: 0,
    window: undefined,
    topic: "",
    partition: 0,
    offset: -1,
    headers: {},
    isTimer: false,
  };
  #suspended: (() => Promise<void>)[] = [];
  #built: BuiltOperators;
  #commits = 0;

  private constructor(nodes: readonly Node[], stores: ReadonlyMap<string, Store>) {
    this.#nodes = nodes;
    this.#stores = stores;
    this.#built = this.#build();
  }

  static async open(flow: (from: From) => void): Promise<OperatorHarness> {
    const { topology } = defineJob({ name: "test", version: 1, flow });
    if (topology.issues.length > 0) throw new Error(topology.issues.map((issue) => issue.message).join("; "));
    const disk = memoryDisk();
    const stores = new Map<string, Store>();
    for (const node of topology.nodes) {
      for (const planned of storesOfNode(node)) {
        const database = await disk.open(planned.name);
        stores.set(planned.name, await openPlannedStore({ planned, node, database, keyCodec: keyCodecOf(node) }));
      }
    }
    return new OperatorHarness(topology.nodes, stores);
  }

  get record(): CurrentRecord {
    return this.#record;
  }

  get nextWallClockMs(): number {
    return Math.min(...this.#built.operators.map((operator) => operator.nextWallClockMs ?? Number.POSITIVE_INFINITY));
  }

  store(name: string): Store {
    return this.#stores.get(name)!;
  }

  #build(): BuiltOperators {
    const environment: OperatorEnvironment = {
      record: this.#record,
      wallClockMs: () => this.wallClockMs,
      store: (name) => this.#stores.get(name)!,
      keyCodec: (id) => keyCodecOf(this.#nodes.find((node) => node.id === id)!),
      suspend: (work) => void this.#suspended.push(work),
      recordError: (step, error, key, value) => void this.failures.push({ step, error, key, value }),
      output: (node) => (key, value, timestampMs) => {
        this.outputs.push({ node, key, value, timestampMs, window: this.#record.window });
      },
      call: () => {
        throw new Error("nobody is called here");
      },
      log: (step, { level, message, fields }, record) => {
        this.logged.push({ step, level, message, fields, offset: record?.offset });
      },
      countLate: () => void this.late++,
    };
    const topology = { nodes: this.#nodes, issues: [] };
    return buildOperators({ topology, nodeIds: this.#nodes.map((node) => node.id), environment });
  }

  /** Sends a record into an input; a source is called after its topic. */
  async pipe(input: string, key: unknown, value: unknown, timestampMs: number): Promise<void> {
    this.push(input, key, value, timestampMs);
    await this.settle();
  }

  /** As `pipe`, but suspended work waits for `settle`: as for the many records that a flatMap makes of one. */
  push(input: string, key: unknown, value: unknown, timestampMs: number): void {
    this.#record.window = undefined;
    this.#record.topic = input;
    this.#record.offset++;
    this.#built.inputs.get(input)!(key, value, timestampMs);
  }

  async settle(): Promise<void> {
    for (let work = this.#suspended.shift(); work !== undefined; work = this.#suspended.shift()) await work();
  }

  async advanceWallClock(nowMs: number): Promise<void> {
    this.wallClockMs = nowMs;
    for (const operator of this.#built.operators) {
      operator.advanceWallClock?.(nowMs);
      await this.settle();
    }
  }

  async commit(): Promise<void> {
    await this.settle();
    for (const operator of this.#built.operators) {
      operator.flush?.();
      await this.settle();
    }
    for (const store of this.#stores.values()) {
      store.seal();
      await store.applySealed({ nextOffset: ++this.#commits, incarnation: "test", writtenAtMs: 0 });
    }
  }

  /** Drops everything since the last commit, and all that is only in memory. */
  restart(): void {
    for (const store of this.#stores.values()) store.discard();
    this.#built = this.#build();
  }

  takeOutputs(): Output[] {
    return this.outputs.splice(0);
  }
}

function keyCodecOf(node: Node): KeyCodec<unknown> {
  const keyType = "keyType" in node ? node.keyType : "shape" in node ? node.shape.keyType : "string";
  return keySerde((keyType ?? "string") as PrimitiveKeyType) as KeyCodec<unknown>;
}

/** `[start, end] key=value @timestamp`, for assertions that read. */
export function show({ key, value, timestampMs, window }: Output): string {
  const bounds = window === undefined ? "" : `[${window.startMs},${window.endMs}] `;
  return `${bounds}${String(key)}=${JSON.stringify(value)} @${timestampMs}`;
}
