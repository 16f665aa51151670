import { avroTypeOf, valueInvalid } from "./avro-type.ts";
import { FRAME_BYTES, writeFrame } from "./frame.ts";
import { projectSchema } from "./projection.ts";
import { type SchemaRegistry, subjectOfValue } from "./registry.ts";
import type { AvroJson, Schema } from "./schema.ts";
import { ValueDecoder } from "./value-decoder.ts";

/** How values lie on a topic: Confluent's frame (a zero byte, the schema id) and Avro binary. */
export interface ValueSerde<T> {
  /**
   * The result stays valid. It is cut from a slab of 64 KiB that lives as long as one of its values: copy what is kept for long.
   * @throws {MulgilError} VALUE_INVALID, naming every field that does not fit
   */
  encode(value: T): Buffer;
  /** @throws {MulgilError} VALUE_NOT_FRAMED, SCHEMA_UNKNOWN_ID, SCHEMA_INCOMPATIBLE, VALUE_UNDECODABLE */
  decode(bytes: Buffer): T;
  /** The id of a writer's schema that `decode` does not know yet: `load` it first. Undefined for what can never be read. */
  missingId(bytes: Buffer): number | undefined;
  /** An id that is unknown or cannot be read is remembered, and `decode` says so. Rejects if the registry does not answer: try again. */
  load(id: number): Promise<void>;
}

const SLAB_BYTES = 64 * 1024;

/** The serde of a topic's values. Registers the schema under `<topic>-value`. @throws {MulgilError} SCHEMA_INCOMPATIBLE */
export async function createValueSerde<T>(options: {
  readonly schema: Schema<T>;
  readonly topic: string;
  readonly registry: SchemaRegistry;
}): Promise<ValueSerde<T>> {
  const { schema, topic, registry } = options;
  const id = await registry.register(subjectOfValue(topic), schema.avro);
  const decoder = new ValueDecoder<T>(registry, schema.avro);
  decoder.add(id, schema.avro);
  return {
    encode: createEncoder<T>(schema.avro, id),
    decode: (bytes) => decoder.decode(bytes),
    missingId: (bytes) => decoder.missingId(bytes),
    load: (writerId) => decoder.load(writerId),
  };
}

/** Reads a topic's values without registering anything; with `fields`, only those, skipping the others. */
export function createValueDecoder<T>(options: {
  readonly schema: Schema<T>;
  readonly registry: SchemaRegistry;
  readonly fields?: readonly (keyof T & string)[];
}): Pick<ValueSerde<T>, "decode" | "missingId" | "load"> {
  const { avro } = options.schema;
  return new ValueDecoder<T>(
    options.registry,
    options.fields === undefined ? avro : projectSchema(avro, options.fields),
  );
}

export interface GenericDecoder extends Pick<ValueSerde<unknown>, "decode" | "missingId" | "load"> {
  /** The schema that a value was written with. */
  avroOf(bytes: Buffer): AvroJson;
}

/** Reads any value as it was written. */
export function createGenericDecoder(options: { readonly registry: SchemaRegistry }): GenericDecoder {
  return new ValueDecoder<unknown>(options.registry);
}

/** Writes values with a schema that is registered already. */
export function createEncoder<T>(avro: AvroJson, id: number): (value: T) => Buffer {
  const type = avroTypeOf(avro);
  let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  let start = 0;
  const write = (value: T): number => {
    try {
      return type.encode(value, slab, start + FRAME_BYTES);
    } catch {
      throw valueInvalid(type, value);
    }
  };
  return (value) => {
    let end = start + FRAME_BYTES > slab.length ? -FRAME_BYTES : write(value);
    while (end < 0) {
      slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, slab.length - start - end));
      start = 0;
      end = write(value);
    }
    writeFrame(slab, start, id);
    const bytes = slab.subarray(start, end);
    start = end;
    return bytes;
  };
}
