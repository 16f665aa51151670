import type avsc from "avsc";
import { avroTypeOf } from "./avro-type.ts";
import { canonicalText } from "./canonical-text.ts";
import { checkCanRead } from "./compatibility.ts";
import { FRAME_BYTES, frameId } from "./frame.ts";
import { MulgilError } from "./mulgil-error.ts";
import type { SchemaRegistry } from "./registry.ts";
import type { AvroJson } from "./schema.ts";

/** How to read what one writer's schema wrote, or why it cannot be read. */
type Reading =
  | { readonly status: "readable"; readonly type: avsc.Type; readonly resolver: Resolver; readonly writer: AvroJson }
  | { readonly status: "unreadable"; readonly error: MulgilError };
type Resolver = ReturnType<avsc.Type["createResolver"]> | undefined;

/**
 * Reads framed values synchronously, with a type and a resolver kept for each writer id. Values that need a schema not seen
 * before are found with `missingId` and prepared with `load`, once a batch.
 */
export class ValueDecoder<T> {
  readonly #registry: SchemaRegistry;
  /** Undefined: values are read as they were written. */
  readonly #reader: AvroJson | undefined;
  readonly #readings = new Map<number, Reading>();
  #lastId: number | undefined;
  #lastReading: Reading | undefined;

  constructor(registry: SchemaRegistry, reader?: AvroJson) {
    this.#registry = registry;
    this.#reader = reader;
    if (reader !== undefined) avroTypeOf(reader);
  }

  /** @throws {MulgilError} VALUE_NOT_FRAMED, SCHEMA_UNKNOWN_ID, SCHEMA_INCOMPATIBLE, VALUE_UNDECODABLE */
  decode(bytes: Buffer): T {
    const reading = this.#readingOf(bytes);
    let decoded: { readonly value: unknown; readonly offset: number };
    try {
      decoded = reading.type.decode(bytes, FRAME_BYTES, reading.resolver);
    } catch (error) {
      throw undecodable(reading.type, (error as Error).message, error);
    }
    if (decoded.offset !== bytes.length) {
      const reason =
        decoded.offset < 0 ? "the bytes end too early" : `${bytes.length - decoded.offset} bytes are left over`;
      throw undecodable(reading.type, reason);
    }
    return decoded.value as T;
  }

  /** The writer's schema id, if `decode` needs `load` first. Undefined also for what can never be read: decode says why. */
  missingId(bytes: Buffer): number | undefined {
    const id = frameId(bytes);
    if (id === undefined || id === this.#lastId || this.#readings.has(id)) return undefined;
    return id;
  }

  /** Prepares reading what a schema wrote. Rejects, and can be tried again, if the registry does not answer. */
  async load(id: number): Promise<void> {
    if (this.#readings.has(id)) return;
    let writer: AvroJson;
    try {
      writer = await this.#registry.schemaById(id);
    } catch (error) {
      // What is about the schema is so whenever it is asked for.
      if (!(error instanceof MulgilError) || !error.code.startsWith("SCHEMA_")) throw error;
      this.#readings.set(id, { status: "unreadable", error });
      return;
    }
    this.add(id, writer);
  }

  /** Makes a writer's schema known without asking the registry. */
  add(id: number, writer: AvroJson): void {
    this.#readings.set(id, readingOf(id, this.#reader ?? writer, writer));
  }

  /** The schema that a value was written with. @throws as `decode` does */
  avroOf(bytes: Buffer): AvroJson {
    return this.#readingOf(bytes).writer;
  }

  #readingOf(bytes: Buffer): Extract<Reading, { status: "readable" }> {
    const id = frameId(bytes);
    if (id === undefined) {
      throw new MulgilError(
        "a value does not start with a schema id: write Avro with a schema registry, or read the topic as bytes",
        {
          code: "VALUE_NOT_FRAMED",
        },
      );
    }
    const reading = id === this.#lastId ? this.#lastReading : this.#readings.get(id);
    if (reading === undefined) {
      throw new MulgilError(`schema ${id} is not loaded: await load(missingId(bytes)) before decode`, {
        code: "SCHEMA_UNKNOWN_ID",
      });
    }
    if (reading.status === "unreadable") throw reading.error;
    this.#lastId = id;
    this.#lastReading = reading;
    return reading;
  }
}

function readingOf(id: number, reader: AvroJson, writer: AvroJson): Reading {
  try {
    const type = avroTypeOf(reader);
    if (canonicalText(reader) === canonicalText(writer))
      return { status: "readable", type, resolver: undefined, writer };
    const issues = checkCanRead(reader, writer);
    if (issues.length === 0)
      return { status: "readable", type, resolver: type.createResolver(avroTypeOf(writer)), writer };
    const list = issues.map((issue) => `\n  ${issue.path}: ${issue.message}`).join("");
    const message = `values of schema ${id} cannot be read with this schema; change it, or read the topic with another:${list}`;
    return { status: "unreadable", error: new MulgilError(message, { code: "SCHEMA_INCOMPATIBLE" }) };
  } catch (error) {
    const message = `values of schema ${id} cannot be read: ${(error as Error).message}`;
    return { status: "unreadable", error: new MulgilError(message, { code: "SCHEMA_INCOMPATIBLE", cause: error }) };
  }
}

function undecodable(type: avsc.Type, reason: string, cause?: unknown): MulgilError {
  const what = type.name === undefined ? "a value" : `a value of "${type.name}"`;
  return new MulgilError(`${what} cannot be decoded: ${reason}`, { code: "VALUE_UNDECODABLE", cause });
}
