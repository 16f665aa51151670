import { hash } from "node:crypto";
import { frameId } from "../../../schemas/frame.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import { createGenericDecoder, type GenericDecoder } from "../../../schemas/value-serde.ts";
import { CanonicalValues } from "./canonical-values.ts";

export const DIGEST_BYTES = 16;

export interface ValueDigest {
  /** 128 bits of a SHA-256: equal for values that say the same. */
  readonly digest: Buffer;
  /** Otherwise it is of the bytes. */
  readonly isDecoded: boolean;
}

/** Values of records, made comparable: decoded by the schema that each was written with; what cannot be decoded, as the bytes that it is. */
export class ComparableValues {
  readonly #decoder: GenericDecoder;
  readonly #canonical: CanonicalValues;

  constructor(options: { readonly registry: SchemaRegistry; readonly ignored: readonly string[] }) {
    this.#decoder = createGenericDecoder({ registry: options.registry });
    this.#canonical = new CanonicalValues(options.ignored);
  }

  /** The fields to be left out that were met. */
  get foundIgnored(): ReadonlySet<string> {
    return this.#canonical.found;
  }

  /** Gets the schemas that the values need. Rejects if the registry does not answer. */
  async load(values: Iterable<Buffer | null>): Promise<void> {
    for (const bytes of values) {
      const missing = bytes === null ? undefined : this.#decoder.missingId(bytes);
      if (missing !== undefined) await this.#decoder.load(missing);
    }
  }

  /** Of a value whose schema is loaded. */
  digestOf(bytes: Buffer | null): ValueDigest {
    const text = bytes === null ? "" : this.textOf(bytes);
    // No text of a value is empty or begins with a zero: neither a tombstone nor bytes are ever equal to one.
    const said = text ?? Buffer.concat([Buffer.alloc(1), bytes!]);
    // A buffer of its own for each hash would cost three times as much as the hash.
    const digest = Buffer.from(hash("sha256", said, "binary").slice(0, DIGEST_BYTES), "latin1");
    return { digest, isDecoded: text !== undefined };
  }

  /** See `CanonicalValues`; undefined if the value cannot be decoded. */
  textOf(bytes: Buffer): string | undefined {
    // Errors are expensive, and a topic may be full of values without a schema.
    if (frameId(bytes) === undefined) return undefined;
    try {
      return this.#canonical.textOf(this.#decoder.avroOf(bytes), this.#decoder.decode(bytes));
    } catch (error) {
      if (error instanceof MulgilError) return undefined;
      throw error;
    }
  }
}
