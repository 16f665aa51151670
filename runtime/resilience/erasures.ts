import type { Codec } from "../../state/codec.ts";
import type { KeyValueStore } from "../../state/store.ts";
import type { Parcel } from "./parcel.ts";

/** Up to where in the input somebody is to be forgotten. */
export interface ErasedUpTo {
  readonly topic: string;
  readonly offset: number;
  readonly orderedAtMs: number;
}

/** Who is to be forgotten: remembered for ever, because what was under way may come back much later. What came after the order is handled as ever. */
export class Erasures {
  readonly #store: KeyValueStore<string, ErasedUpTo>;

  constructor(store: KeyValueStore<string, ErasedUpTo>) {
    this.#store = store;
  }

  /** An order that is processed once more takes nothing back of a later one. */
  order(subject: string, upTo: ErasedUpTo): void {
    if (this.isForgotten(subject, upTo)) return;
    this.#store.put(subject, upTo, upTo.orderedAtMs);
  }

  isForgotten(subject: string, { topic, offset }: Pick<Parcel, "topic" | "offset">): boolean {
    const upTo = this.#store.get(subject);
    return upTo !== undefined && upTo.topic === topic && offset < upTo.offset;
  }
}

export const erasedUpToCodec: Codec<ErasedUpTo> = {
  write({ topic, offset, orderedAtMs }, out) {
    out.string(topic);
    out.integer(offset);
    out.double(orderedAtMs);
  },
  read: (input) => ({ topic: input.string(), offset: input.integer(), orderedAtMs: input.double() }),
};
