import { avroCodec } from "../../schemas/avro-codec.ts";
import type { Schema } from "../../schemas/schema.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";

const SCRATCH_BYTES = 4 * 1024;

/** How values of users' functions are kept in a store. */
export interface Storable {
  /** Values that are read are frozen, as those that were admitted are. */
  readonly codec: Codec<unknown>;
  /**
   * Throws if the value does not fit its schema: now, while there is a record to blame, and not when the commit encodes it. Then
   * freezes it: it belongs to the store from here on, and a change in place would be a change that no commit knows of.
   * @throws {MulgilError} VALUE_INVALID
   */
  admit<T>(value: T): T;
}

export function storable(schema: Schema<unknown>): Storable {
  const codec = avroCodec(schema);
  const scratch = new ByteWriter(SCRATCH_BYTES);
  return {
    codec: { write: (value, out) => codec.write(value, out), read: (input) => deepFreeze(codec.read(input)) },
    admit(value) {
      scratch.position = 0;
      codec.write(value, scratch);
      return deepFreeze(value);
    },
  };
}

/** Freezes plain data. What is frozen already is taken to be frozen throughout; bytes cannot be. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
