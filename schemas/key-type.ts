import type { Schema } from "./schema.ts";

/**
 * The type of a record's key. The primitives are the bytes of Kafka's own serializers: UTF-8; 4 and 8 bytes big endian; IEEE 754.
 * A schema makes Avro keys in the Confluent wire format.
 */
export type KeyType = "string" | "int" | "long" | "double" | "bytes" | Schema<unknown>;

/** The TypeScript type of the keys of a key type. */
export type KeyOf<KT extends KeyType> = KT extends "string"
  ? string
  : KT extends "int" | "long" | "double"
    ? number
    : KT extends "bytes"
      ? Buffer
      : KT extends Schema<infer T>
        ? T
        : never;
