import type { KeyType } from "../../schemas/key-type.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { Issue } from "../errors/errors.ts";
import { standsAlone } from "./standing-alone.ts";
import type { CallNode, Edge, Node, SourceNode, Topology } from "./topology.ts";

/** What the builder knows of a stream while a definition is read. */
export interface StreamState {
  readonly at: Edge;
  readonly keyType: KeyType | null;
  readonly schema: Schema<unknown> | undefined;
  /** The field of the value that equals the key, if one is known to. */
  readonly keyPath: string | undefined;
  /** The records no longer lie in the partition of their key. */
  readonly displaced: boolean;
}

type NewNode = Node extends infer N ? (N extends Node ? Omit<N, "id"> : never) : never;

/** Collects nodes and issues while `flow` runs; nothing is thrown, so that all mistakes are found in one go. */
export class GraphBuilder {
  readonly job: string;
  readonly #nodes: Node[] = [];
  readonly #ids = new Set<string>();
  readonly #issues: Issue[] = [];
  readonly #repartitions = new Map<string, StreamState>();

  constructor(job: string) {
    this.job = job;
  }

  issue(code: string, at: string, message: string): void {
    this.#issues.push({ code, at, message });
  }

  /** Adds a node under an explicit name, which must be unique. */
  addNamed(name: string, node: NewNode): string {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/.test(name)) {
      this.issue(
        "JOB_STEP_NAME",
        name || "(empty)",
        "a step's name is in directories and topics: use 1 to 64 letters, digits, dots, dashes and underscores",
      );
    }
    if (this.#ids.has(name)) {
      this.issue("JOB_STEP_DUPLICATE", name, `two steps are called "${name}": give one of them another name`);
      return this.#add(this.#free(name), node);
    }
    return this.#add(name, node);
  }

  /** Adds a source under its topic's name. */
  addSource(node: Omit<SourceNode, "id">): string {
    return this.#add(this.#free(node.topic.name), node);
  }

  /** Adds a node that is called after what it does and what it follows. */
  addUnnamed(node: NewNode): string {
    const before = node.inputs[0];
    const base = before === undefined ? node.kind : `${before.edge ?? before.node}>${node.kind}`;
    return this.#add(this.#free(base), node);
  }

  /** Moves a stream whose key has changed to the partitions of its new key; once for all steps that follow it. */
  repartition(state: StreamState, step: string): StreamState {
    if (!state.displaced) return state;
    const from = `${state.at.node}#${state.at.edge ?? ""}`;
    const known = this.#repartitions.get(from);
    if (known !== undefined) return known;
    if (state.schema === undefined) {
      this.issue(
        "JOB_SCHEMA_MISSING",
        step,
        `the records in front of "${step}" have a new key and must be repartitioned, but their schema is not known: give map or flatMap their schema as second argument`,
      );
    }
    const topic = `${this.job}.${step}.repartition`;
    const node = this.#add(this.#free(`${step}.repartition`), {
      kind: "repartition",
      inputs: [state.at],
      topic,
      shape: { keyType: state.keyType, schema: state.schema },
    });
    const moved = { ...state, at: { node }, displaced: false };
    this.#repartitions.set(from, moved);
    return moved;
  }

  build(): Topology {
    // The last ones first: a call that is added to a definition takes nothing from those in front of it.
    for (const node of this.#nodes.toReversed())
      if (node.kind === "call" && !standsAlone(this.#nodes, node)) this.#readThroughTopic(node);
    return Object.freeze({ nodes: Object.freeze([...this.#nodes]), issues: Object.freeze([...this.#issues]) });
  }

  /** A call's records travel by themselves: what one source record became must be a record of its own. */
  #readThroughTopic(call: CallNode): void {
    if (call.shape.schema === undefined) {
      this.issue(
        "JOB_SCHEMA_MISSING",
        call.id,
        `the records in front of "${call.id}" go through a topic of their own, because the steps there make several of one, keep state, or feed others too, but their schema is not known: give map or flatMap their schema as second argument`,
      );
    }
    const node = Object.freeze({
      id: this.#free(`${call.id}.repartition`),
      kind: "repartition" as const,
      inputs: call.inputs,
      topic: `${this.job}.${call.id}.repartition`,
      shape: call.shape,
    });
    this.#ids.add(node.id);
    const at = this.#nodes.indexOf(call);
    this.#nodes.splice(at, 1, node, Object.freeze({ ...call, inputs: [{ node: node.id }] }));
  }

  #free(base: string): string {
    if (!this.#ids.has(base)) return base;
    let n = 2;
    while (this.#ids.has(`${base}-${n}`)) n++;
    return `${base}-${n}`;
  }

  #add(id: string, node: NewNode): string {
    this.#ids.add(id);
    this.#nodes.push(Object.freeze({ ...node, id }) as Node);
    return id;
  }
}
