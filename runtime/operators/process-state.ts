import type { KeyCodec } from "../../state/codec.ts";
import type { KeyValueStore } from "../../state/store.ts";
import type { MapState, ValueState } from "../dsl/process.ts";
import type { CompositeKey } from "./composite-key.ts";
import type { Storable } from "./storable.ts";

/** State that one call of a user's function sees and changes; the store sees the changes if the call succeeds. */
export interface CallState {
  /** A call for this key begins. */
  begin(key: unknown): void;
  commit(eventTimeMs: number): void;
}

const UNCHANGED = Symbol("unchanged");

/** `valueStore`. Values that are set or got are frozen: a change in place would be one that no commit knows of. */
export class CallValue implements CallState, ValueState<unknown> {
  readonly #store: KeyValueStore<unknown, unknown>;
  readonly #values: Storable;
  #key: unknown;
  /** undefined: deleted. */
  #pending: unknown = UNCHANGED;

  constructor(store: KeyValueStore<unknown, unknown>, values: Storable) {
    this.#store = store;
    this.#values = values;
  }

  begin(key: unknown): void {
    this.#key = key;
    this.#pending = UNCHANGED;
  }

  get(): unknown {
    return this.#pending === UNCHANGED ? this.#store.get(this.#key) : this.#pending;
  }

  /** @throws {MulgilError} VALUE_INVALID */
  set(value: unknown): void {
    this.#pending = this.#values.admit(value);
  }

  delete(): void {
    this.#pending = undefined;
  }

  commit(eventTimeMs: number): void {
    if (this.#pending === UNCHANGED) return;
    if (this.#pending === undefined) this.#store.delete(this.#key);
    else this.#store.put(this.#key, this.#pending, eventTimeMs);
  }
}

/** `mapStore`. */
export class CallMap implements CallState, MapState<unknown, unknown> {
  readonly #store: KeyValueStore<CompositeKey, unknown>;
  readonly #values: Storable;
  readonly #entryKeys: KeyCodec<unknown>;
  readonly #pending = new Map<string | number, { readonly entry: unknown; readonly value: unknown }>();
  #key: unknown;

  constructor(store: KeyValueStore<CompositeKey, unknown>, values: Storable, entryKeys: KeyCodec<unknown>) {
    this.#store = store;
    this.#values = values;
    this.#entryKeys = entryKeys;
  }

  begin(key: unknown): void {
    this.#key = key;
    if (this.#pending.size > 0) this.#pending.clear();
  }

  get(entry: unknown): unknown {
    const pending = this.#pending.size === 0 ? undefined : this.#pending.get(this.#entryKeys.token(entry));
    return pending === undefined ? this.#store.get({ key: this.#key, entry }) : pending.value;
  }

  /** @throws {MulgilError} VALUE_INVALID, KEY_INVALID */
  set(entry: unknown, value: unknown): void {
    this.#change(entry, this.#values.admit(value));
  }

  delete(entry: unknown): void {
    this.#change(entry, undefined);
  }

  #change(entry: unknown, value: unknown): void {
    // Whether the key can be encoded shows now, and not when the commit encodes it.
    this.#entryKeys.encode(entry);
    this.#pending.set(this.#entryKeys.token(entry), { entry, value });
  }

  commit(eventTimeMs: number): void {
    for (const { entry, value } of this.#pending.values()) {
      const key = { key: this.#key, entry };
      if (value === undefined) this.#store.delete(key);
      else this.#store.put(key, value, eventTimeMs);
    }
  }
}
