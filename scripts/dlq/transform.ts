import { isDeepStrictEqual } from "node:util";
import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import type { LetterTransform, TransformedLetter } from "../../runtime/ops/letter-transform.ts";
import { frameId } from "../../schemas/frame.ts";
import { fromJson, toJson } from "../../schemas/json.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type SchemaRegistry, subjectOfValue } from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { createEncoder, createGenericDecoder, type GenericDecoder } from "../../schemas/value-serde.ts";
import { messageOf } from "../output/problem.ts";

/** What became of a letter that was to be mended. */
export type Mended =
  | { readonly kind: "mended"; readonly value: Buffer | null }
  | { readonly kind: "skipped" }
  | { readonly kind: "failed"; readonly reason: string };

/** Mends dead letters with a user's function. */
export class Transformer {
  readonly #registry: SchemaRegistry;
  readonly #mend: LetterTransform;
  readonly #decoder: GenericDecoder;
  readonly #encoders = new Map<number, (value: unknown) => Buffer>();
  readonly #latest = new Map<string, Promise<{ readonly id: number; readonly avro: AvroJson } | undefined>>();

  constructor(registry: SchemaRegistry, mend: LetterTransform) {
    this.#registry = registry;
    this.#mend = mend;
    this.#decoder = createGenericDecoder({ registry });
  }

  /** Never rejects over a letter; only if the registry does not answer. */
  async mend(letter: DeadLetter): Promise<Mended> {
    const missing = letter.value === null ? undefined : this.#decoder.missingId(letter.value);
    if (missing !== undefined) await this.#decoder.load(missing);
    const given = this.#asGiven(letter);
    const before: unknown = structuredClone(given.value);
    let after: unknown;
    try {
      after = await this.#mend(given);
    } catch (error) {
      return { kind: "failed", reason: messageOf(error) };
    }
    if (after === null) return { kind: "skipped" };
    if (typeof after !== "object" || after === undefined || !("value" in after))
      return { kind: "failed", reason: "it gave neither a letter with a value nor null" };
    if (isDeepStrictEqual(after.value, before)) return { kind: "mended", value: letter.value };
    if (after.value === null) return { kind: "mended", value: null };
    return this.#encoded(letter, after.value);
  }

  #asGiven(letter: DeadLetter): TransformedLetter {
    const { source, code, message, step, timestampMs, attempts } = letter;
    const headers = Object.entries(letter.headers ?? {}).filter(([name]) => !name.startsWith("mulgil."));
    return {
      value: this.#valueOf(letter.value),
      key: letter.key?.toString("utf8") ?? null,
      bytes: letter.value,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, value.toString("utf8")])),
      ...{ code, message, step, timestamp: new Date(timestampMs).toISOString(), attempts },
      source: {
        ...{ topic: source!.topic, partition: source!.partition, offset: source!.offset },
        timestamp: new Date(source!.timestampMs).toISOString(),
      },
    };
  }

  #valueOf(bytes: Buffer | null): unknown {
    if (bytes === null) return null;
    try {
      return toJson(this.#decoder.avroOf(bytes), this.#decoder.decode(bytes));
    } catch {
      return undefined;
    }
  }

  async #encoded(letter: DeadLetter, value: unknown): Promise<Mended> {
    const own = this.#schemaOf(letter.value);
    const latest = await this.#latestOf(letter.source!.topic);
    const reasons: string[] = [];
    for (const schema of [own, latest]) {
      if (schema === undefined) continue;
      try {
        return { kind: "mended", value: this.#encoderOf(schema)(fromJson(schema.avro, value, { extra: "refuse" })) };
      } catch (error) {
        if (!(error instanceof MulgilError)) throw error;
        reasons.push(error.message);
      }
    }
    return { kind: "failed", reason: reasons[0] ?? `there is no schema for the values of "${letter.source!.topic}"` };
  }

  #schemaOf(bytes: Buffer | null): { readonly id: number; readonly avro: AvroJson } | undefined {
    const id = bytes === null ? undefined : frameId(bytes);
    if (id === undefined) return undefined;
    try {
      return { id, avro: this.#decoder.avroOf(bytes!) };
    } catch {
      return undefined;
    }
  }

  #latestOf(topic: string): Promise<{ readonly id: number; readonly avro: AvroJson } | undefined> {
    let latest = this.#latest.get(topic);
    if (latest === undefined) {
      latest = this.#registry.latest(subjectOfValue(topic));
      this.#latest.set(topic, latest);
    }
    return latest;
  }

  #encoderOf({ id, avro }: { readonly id: number; readonly avro: AvroJson }): (value: unknown) => Buffer {
    let encode = this.#encoders.get(id);
    if (encode === undefined) {
      encode = createEncoder<unknown>(avro, id);
      this.#encoders.set(id, encode);
    }
    return encode;
  }
}
