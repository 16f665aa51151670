import { avroTypeOf, valueInvalid } from "./avro-type.ts";
import { MulgilError } from "./mulgil-error.ts";
import type { Schema } from "./schema.ts";

/** What the codec needs of a growing slab: state's ByteWriter is one. */
export interface SlabWriter {
  buffer: Buffer;
  position: number;
  /** Makes room for `bytes` more; afterwards `buffer` may be another one. */
  ensure(bytes: number): void;
}

export interface SlabReader {
  readonly buffer: Buffer;
  position: number;
}

export interface AvroCodec<T> {
  write(value: T, out: SlabWriter): void;
  read(input: SlabReader): T;
}

/** How a value of a schema lies in a store: Avro binary without a frame. Values read back do not alias the buffer. */
export function avroCodec<T>(schema: Schema<T>): AvroCodec<T> {
  const type = avroTypeOf(schema.avro);
  return {
    /** @throws {MulgilError} VALUE_INVALID */
    write(value, out) {
      let end: number;
      try {
        end = type.encode(value, out.buffer, out.position);
        // A negative result is the number of bytes that are missing.
        while (end < 0) {
          out.ensure(out.buffer.length - out.position - end);
          end = type.encode(value, out.buffer, out.position);
        }
      } catch {
        throw valueInvalid(type, value);
      }
      out.position = end;
    },
    /** @throws {MulgilError} VALUE_UNDECODABLE */
    read(input) {
      let decoded: { readonly value: unknown; readonly offset: number };
      try {
        decoded = type.decode(input.buffer, input.position);
      } catch (error) {
        throw undecodable(type.name, (error as Error).message, error);
      }
      if (decoded.offset < 0) throw undecodable(type.name, "the bytes end too early");
      input.position = decoded.offset;
      return decoded.value as T;
    },
  };
}

function undecodable(name: string | undefined, reason: string, cause?: unknown): MulgilError {
  const what = name === undefined ? "a stored value" : `a stored value of "${name}"`;
  return new MulgilError(
    `${what} cannot be decoded: ${reason}; it was written with another schema, or the store is damaged`,
    {
      code: "VALUE_UNDECODABLE",
      cause,
    },
  );
}
