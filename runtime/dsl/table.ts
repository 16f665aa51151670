import type { KeyType } from "../../schemas/key-type.ts";

/** A latest value per key, to join a stream with: a compacted topic (`from.table`) or an aggregate (`asTable`). */
export interface Table<in out K, out V> {
  readonly node: string;
  readonly keyType: KeyType | null;
  readonly type?: { readonly key: (key: K) => K; readonly value: V };
}
