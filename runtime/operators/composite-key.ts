import { avroCodec } from "../../schemas/avro-codec.ts";
import { keySerde } from "../../schemas/key-serde.ts";
import type { KeyType } from "../../schemas/key-type.ts";
import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import type { KeyCodec } from "../../state/codec.ts";

/** The key of an entry in a `mapStore`: the record's key and the entry's own. */
export interface CompositeKey {
  readonly key: unknown;
  readonly entry: unknown;
}

/** The entry keys of a `mapStore`: as on a topic, but Avro without a frame, because a store has one schema. */
export function entryKeyCodec(keyType: KeyType): KeyCodec<unknown> {
  if (typeof keyType === "string") return keySerde(keyType) as KeyCodec<unknown>;
  const codec = avroCodec(keyType);
  const encode = (key: unknown): Buffer => {
    const out = new ByteWriter(64);
    codec.write(key, out);
    return out.buffer.subarray(0, out.position);
  };
  return {
    encode,
    decode: (bytes) => codec.read(new ByteReader(bytes)),
    token: (key) => encode(key).toString("latin1"),
  };
}

/** The key's bytes with their length in front, then the entry's: so all entries of a key lie together. */
export function compositeKeyCodec(keys: KeyCodec<unknown>, entries: KeyCodec<unknown>): KeyCodec<CompositeKey> {
  return {
    encode({ key, entry }) {
      const keyBytes = keys.encode(key);
      const entryBytes = entries.encode(entry);
      const out = new ByteWriter(keyBytes.length + entryBytes.length + 10);
      out.bytes(keyBytes);
      out.raw(entryBytes);
      return out.buffer.subarray(0, out.position);
    },
    decode(bytes) {
      const input = new ByteReader(bytes);
      const key = keys.decode(input.bytes());
      return { key, entry: entries.decode(input.raw(input.remaining)) };
    },
    token({ key, entry }) {
      const keyToken = String(keys.token(key));
      return `${keyToken.length}:${keyToken}${entries.token(entry)}`;
    },
  };
}
