import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** How a value lies in a store and its changelog. Synchronous; writes into a shared slab, reads from a slice. */
export interface Codec<T> {
  write(value: T, out: ByteWriter): void;
  read(input: ByteReader): T;
}

/** How a key becomes bytes. The same bytes as in the record's key, so that a store and a topic agree on what a key is. */
export interface KeyCodec<K> {
  encode(key: K): Buffer;
  decode(bytes: Buffer): K;
  /** Equal for equal keys: what a Map can hold. Strings and numbers are their own token. */
  token(key: K): string | number;
}
