import { avroNodeOf } from "./avro-node.ts";
import { avroTypeOf, valueInvalid } from "./avro-type.ts";
import { FRAME_BYTES, writeFrame } from "./frame.ts";
import type { KeyOf, KeyType } from "./key-type.ts";
import { MulgilError } from "./mulgil-error.ts";
import type { SchemaRegistry } from "./registry.ts";
import type { AvroJson, Schema } from "./schema.ts";
import { ValueDecoder } from "./value-decoder.ts";

export type PrimitiveKeyType = Extract<KeyType, string>;

/** How a key becomes bytes, on topics and in stores. */
export interface KeySerde<K> {
  readonly name: string;
  /** @throws {MulgilError} KEY_INVALID */
  encode(key: K): Buffer;
  /** @throws {MulgilError} KEY_UNDECODABLE */
  decode(bytes: Buffer): K;
  /** Equal for equal keys: what a Map can hold. Strings and numbers are their own token. */
  token(key: K): string | number;
}

/**
 * The serde of a primitive key: UTF-8 strings, big-endian numbers, raw bytes. A long is 8 bytes and a safe integer.
 * Two keys that are equal always have the same bytes: strings must be well-formed, and -0 is 0.
 */
export function keySerde<T extends PrimitiveKeyType>(type: T): KeySerde<KeyOf<T>> {
  return SERDES[type] as unknown as KeySerde<KeyOf<T>>;
}

/**
 * The serde of a key with an Avro schema, framed with the schema's id as Confluent's serializers do. It is registered under
 * `subject`, and reads keys written with any version that the subject has now.
 * Another version of the schema writes other bytes for the same key, and Kafka then chooses another partition: change the
 * schema of a key only together with its topic.
 */
export async function createAvroKeySerde<K>(options: {
  readonly schema: Schema<K>;
  readonly subject: string;
  readonly registry: SchemaRegistry;
}): Promise<KeySerde<K>> {
  const type = avroTypeOf(options.schema.avro);
  const id = await options.registry.register(options.subject, options.schema.avro);
  const decoder = new ValueDecoder<K>(options.registry, options.schema.avro);
  for (const version of await options.registry.versions(options.subject)) decoder.add(version.id, version.avro);
  decoder.add(id, options.schema.avro);
  const name = `avro key of "${options.subject}"`;

  const encode = (key: K): Buffer => {
    try {
      const content = type.toBuffer(key);
      const bytes = Buffer.allocUnsafe(FRAME_BYTES + content.length);
      writeFrame(bytes, 0, id);
      content.copy(bytes, FRAME_BYTES);
      return bytes;
    } catch {
      throw new MulgilError(`${name}: ${valueInvalid(type, key).message}`, { code: "KEY_INVALID" });
    }
  };

  return {
    name,
    encode,
    decode(bytes) {
      if (decoder.missingId(bytes) !== undefined) {
        throw undecodable(
          name,
          "the subject has no such schema; if a new version was registered since, restart the worker",
        );
      }
      try {
        return decoder.decode(bytes);
      } catch (error) {
        throw undecodable(name, (error as Error).message, error);
      }
    },
    token: (key) => encode(key).toString("latin1"),
  };
}

/**
 * The key type that a field of a record can serve as: "string" for strings, uuids, dates and enums, otherwise its number type.
 * @throws {MulgilError} TOPIC_KEY_FIELD if the field does not exist, may be null, or is of another type
 */
export function keyTypeOfField(avro: AvroJson, fieldName: string): "string" | "int" | "long" | "double" {
  const record = avroNodeOf(avro);
  const fields = record.kind === "record" ? record.fields : [];
  const type = (field: (typeof fields)[number]) => keyTypeOfNode(field.node);
  const found = fields.find((field) => field.name === fieldName);
  const keyType = found === undefined ? undefined : type(found);
  if (keyType !== undefined) return keyType;
  const usable = fields.filter((field) => type(field) !== undefined).map((field) => field.name);
  const what =
    found === undefined
      ? `has no field "${fieldName}"`
      : `cannot have "${fieldName}" as its key: ${describe(found.node.kind)}`;
  const remedy =
    usable.length > 0 ? `fields that can be the key: ${usable.join(", ")}` : "none of its fields can be a key";
  throw new MulgilError(`${record.kind === "record" ? `record "${record.name}"` : "the value"} ${what}; ${remedy}`, {
    code: "TOPIC_KEY_FIELD",
  });
}

function keyTypeOfNode(node: ReturnType<typeof avroNodeOf>): "string" | "int" | "long" | "double" | undefined {
  if (node.kind === "string" || node.kind === "enum") return "string";
  if (node.kind === "int") return node.logical === "date" ? "string" : "int";
  return node.kind === "long" || node.kind === "double" ? node.kind : undefined;
}

const describe = (kind: string): string =>
  kind === "union"
    ? "a union may be null, and a key has one type"
    : `a key is a string, int, long or double, not a ${kind}`;

const invalid = (name: string, expected: string) =>
  new MulgilError(`a ${name} key must be ${expected}`, { code: "KEY_INVALID" });

const undecodable = (name: string, why: string, cause?: unknown) =>
  new MulgilError(`a key cannot be read as ${name}: ${why}`, { code: "KEY_UNDECODABLE", cause });

function assertLength(name: string, bytes: Buffer, length: number): void {
  if (bytes.length === length) return;
  throw undecodable(
    name,
    `it has ${bytes.length} bytes instead of ${length}; declare the key type that the topic's producers write`,
  );
}

const STRING: KeySerde<string> = {
  name: "string",
  encode(key) {
    if (typeof key !== "string" || !key.isWellFormed())
      throw invalid("string", "a string without half surrogate pairs");
    return Buffer.from(key, "utf8");
  },
  decode(bytes) {
    const key = bytes.toString("utf8");
    if (key.includes("\uFFFD") && !Buffer.from(key, "utf8").equals(bytes))
      throw undecodable("string", "it is not UTF-8; declare the key as bytes");
    return key;
  },
  token: (key) => key,
};

const INT: KeySerde<number> = {
  name: "int",
  encode(key) {
    if (key !== (key | 0)) throw invalid("int", "an integer of 32 bits");
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(key);
    return bytes;
  },
  decode(bytes) {
    assertLength("int", bytes, 4);
    return bytes.readInt32BE();
  },
  token: (key) => key,
};

const LONG: KeySerde<number> = {
  name: "long",
  encode(key) {
    if (!Number.isSafeInteger(key)) throw invalid("long", "a safe integer");
    const bytes = Buffer.allocUnsafe(8);
    const high = Math.floor(key / 2 ** 32);
    bytes.writeInt32BE(high, 0);
    bytes.writeUInt32BE(key - high * 2 ** 32, 4);
    return bytes;
  },
  decode(bytes) {
    assertLength("long", bytes, 8);
    const key = bytes.readInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4);
    if (!Number.isSafeInteger(key))
      throw undecodable("long", "it is beyond the safe integers (2^53); declare the key as bytes");
    return key;
  },
  token: (key) => key,
};

const DOUBLE: KeySerde<number> = {
  name: "double",
  encode(key) {
    if (typeof key !== "number" || Number.isNaN(key)) throw invalid("double", "a number other than NaN");
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleBE(key + 0);
    return bytes;
  },
  decode(bytes) {
    assertLength("double", bytes, 8);
    return bytes.readDoubleBE();
  },
  token: (key) => key,
};

const BYTES: KeySerde<Buffer> = {
  name: "bytes",
  encode(key) {
    if (!Buffer.isBuffer(key)) throw invalid("bytes", "a Buffer");
    return key;
  },
  decode: (bytes) => Buffer.from(bytes),
  token: (key) => key.toString("latin1"),
};

const SERDES = { string: STRING, int: INT, long: LONG, double: DOUBLE, bytes: BYTES };
