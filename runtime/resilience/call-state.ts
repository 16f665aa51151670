import type { KeyValueStore, Store } from "../../state/store.ts";
import { callStores } from "../dsl/call-stores.ts";
import type { CallNode } from "../dsl/topology.ts";
import { type CallInputsEntry, resourceOf, waitingEntry } from "./call-inputs-entry.ts";
import { type CallOrder, unordered } from "./call-order.ts";
import { type ErasedUpTo, Erasures } from "./erasures.ts";
import { type EndedRecords, InputProgress } from "./input-progress.ts";
import { type LastSuccess, LastSuccessOrder } from "./last-success-order.ts";
import type { Parcel } from "./parcel.ts";
import { type HeldKey, type StrictKey, StrictOrder, type StrictOrderOptions } from "./strict-order.ts";
import { WaitingCounts } from "./waiting-counts.ts";

export interface CallStateOptions {
  readonly node: CallNode;
  readonly store: (name: string) => Store;
  readonly host: StrictOrderOptions["host"];
}

interface TrackedInput {
  readonly topic: string;
  readonly incarnation: string;
  readonly progress: InputProgress;
  /** Behind all that was taken up. */
  readonly position: () => number;
  stored: EndedRecords | undefined;
}

/** What a call keeps: which records have ended out of order, what order keys wait for, who is to be forgotten, and what waits for whom. */
export class CallState {
  readonly order: CallOrder;
  readonly erasures: Erasures | undefined;
  readonly waiting = new WaitingCounts();
  readonly #inputs: KeyValueStore<string, CallInputsEntry>;
  readonly #strict: StrictOrder | undefined;
  readonly #lastSuccess: LastSuccessOrder | undefined;
  readonly #wallClockMs: () => number;
  readonly #tracked: TrackedInput[] = [];

  constructor({ node, store, host }: CallStateOptions) {
    const names = new Set(callStores(node));
    const open = <T extends Store>(name: "inputs" | "keys" | "held" | "erased") => store(`${node.id}.${name}`) as T;
    this.#wallClockMs = () => host.wallClockMs();
    this.#inputs = open("inputs");
    if (names.has("held")) {
      const keys = open<KeyValueStore<string, StrictKey>>("keys");
      this.#strict = new StrictOrder({
        ...{ keys, host, heldMax: node.heldMax },
        held: open<KeyValueStore<HeldKey, Parcel>>("held"),
      });
      this.order = this.#strict;
    } else if (names.has("keys")) {
      const keys = open<KeyValueStore<string, LastSuccess>>("keys");
      this.#lastSuccess = new LastSuccessOrder({ keys, host, isVersionDeclared: node.version !== undefined });
      this.order = this.#lastSuccess;
    } else this.order = unordered;
    this.erasures = names.has("erased") ? new Erasures(open<KeyValueStore<string, ErasedUpTo>>("erased")) : undefined;
  }

  /**
   * The progress of an input, as state has it.
   * @param input.isContinued false: it begins anew, or somebody has set its position, and wants everything from there on
   */
  track({
    isContinued,
    ...input
  }: Pick<TrackedInput, "topic" | "incarnation" | "position"> & { readonly isContinued: boolean }): InputProgress {
    const entry = this.#inputs.get(input.topic);
    const stored = entry?.kind === "ended" ? entry : undefined;
    const progress = new InputProgress(isContinued && stored?.incarnation === input.incarnation ? stored : undefined);
    this.#tracked.push({ ...input, progress, stored });
    return progress;
  }

  /** Goes on with what lies in state. */
  async recover(): Promise<void> {
    for await (const [name, entry] of this.#inputs.entries())
      if (entry.kind === "waiting") this.waiting.restore(resourceOf(name), entry);
    await this.#strict?.recover();
    await this.#lastSuccess?.recover();
  }

  /** Records that wait in state behind others of their key. */
  get held(): number {
    return this.#strict?.heldRecords ?? 0;
  }

  /** Drops what is held of somebody who is to be forgotten. */
  async forget(isForgotten: (parcel: Parcel) => boolean): Promise<void> {
    await this.#strict?.forget(isForgotten);
  }

  /** Before a commit seals it. */
  flush(): void {
    const nowMs = this.#wallClockMs();
    for (const input of this.#tracked) {
      const ended = input.progress.ended(input.position(), input.incarnation);
      if (isSame(ended, input.stored)) continue;
      if (ended === undefined) this.#inputs.delete(input.topic);
      else this.#inputs.put(input.topic, { kind: "ended", ...ended }, nowMs);
      input.stored = ended;
    }
    for (const [resource, counts] of this.waiting.takeChanged()) {
      if (counts === undefined) this.#inputs.delete(waitingEntry(resource));
      else this.#inputs.put(waitingEntry(resource), { kind: "waiting", ...counts }, nowMs);
    }
  }
}

function isSame(left: EndedRecords | undefined, right: EndedRecords | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.incarnation === right.incarnation &&
    left.upTo === right.upTo &&
    left.unfinished.length === right.unfinished.length &&
    left.unfinished.every((offset, index) => offset === right.unfinished[index])
  );
}
