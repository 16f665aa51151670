import type { AbstractLevel } from "abstract-level";
import { avroTypeOf } from "./avro-type.ts";
import { canonicalText } from "./canonical-text.ts";
import { checkCanRead } from "./compatibility.ts";
import { MulgilError } from "./mulgil-error.ts";
import { type Compatibility, type RegisteredSchema, type SchemaRegistry, schemaUnknownId } from "./registry.ts";
import type { AvroJson } from "./schema.ts";

type Bytes = string | Buffer | Uint8Array;

/** Version entries sort by subject and version: `version/<subject>/<0000000001>`. */
const VERSIONS = { gt: "version/", lt: "version0" };
const versionKey = (subject: string, version: number): string =>
  `version/${encodeURIComponent(subject)}/${String(version).padStart(10, "0")}`;

/**
 * A schema registry in a LevelDB database of its own, for the embedded log. The rules are Confluent's with BACKWARD
 * compatibility: one id for equal schemas, and a new version must be able to read what the latest one wrote.
 * Everything is held in memory; a registration is on disk, synced, before it is returned. One process opens it at a time.
 */
export async function openEmbeddedRegistry<F extends Bytes, K, V>(
  database: AbstractLevel<F, K, V>,
): Promise<SchemaRegistry> {
  const registry = new EmbeddedRegistry((schema) =>
    database.put<string, RegisteredSchema>(versionKey(schema.subject, schema.version), schema, WRITE_OPTIONS),
  );
  const stored = database.values<string, RegisteredSchema>({ ...VERSIONS, keyEncoding: "utf8", valueEncoding: "json" });
  for await (const schema of stored) registry.add(schema);
  return registry;
}

// LevelDB knows `sync`; other databases ignore it.
const WRITE_OPTIONS: { readonly keyEncoding: "utf8"; readonly valueEncoding: "json"; readonly sync: boolean } = {
  keyEncoding: "utf8",
  valueEncoding: "json",
  sync: true,
};

class EmbeddedRegistry implements SchemaRegistry {
  readonly #write: (schema: RegisteredSchema) => Promise<void>;
  readonly #bySubject = new Map<string, RegisteredSchema[]>();
  readonly #byId = new Map<number, AvroJson>();
  readonly #idByText = new Map<string, number>();
  #lastId = 0;
  /** The registration before: they run one after the other. */
  #previous: Promise<unknown> = Promise.resolve();

  constructor(write: (schema: RegisteredSchema) => Promise<void>) {
    this.#write = write;
  }

  add(schema: RegisteredSchema): void {
    this.#bySubject.set(schema.subject, [...(this.#bySubject.get(schema.subject) ?? []), schema]);
    this.#byId.set(schema.id, schema.avro);
    this.#idByText.set(canonicalText(schema.avro), schema.id);
    this.#lastId = Math.max(this.#lastId, schema.id);
  }

  async register(subject: string, avro: AvroJson): Promise<number> {
    const registration = this.#previous.then(() => this.#register(subject, avro));
    // A registration that failed is its caller's business, not the next one's.
    this.#previous = registration.catch(() => undefined);
    return registration;
  }

  async #register(subject: string, avro: AvroJson): Promise<number> {
    avroTypeOf(avro);
    const text = canonicalText(avro);
    const versions = this.#bySubject.get(subject) ?? [];
    const known = versions.find((version) => canonicalText(version.avro) === text);
    if (known !== undefined) return known.id;
    const latest = versions.at(-1);
    if (latest !== undefined) assertCompatible(subject, avro, latest);
    const schema: RegisteredSchema = {
      subject,
      version: (latest?.version ?? 0) + 1,
      id: this.#idByText.get(text) ?? this.#lastId + 1,
      // A copy: what the caller does with its object later changes nothing here.
      avro: JSON.parse(JSON.stringify(avro)),
    };
    await this.#write(schema);
    this.add(schema);
    return schema.id;
  }

  async schemaById(id: number): Promise<AvroJson> {
    const avro = this.#byId.get(id);
    if (avro === undefined) throw schemaUnknownId(id);
    return avro;
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    return this.#bySubject.get(subject)?.at(-1);
  }

  async versions(subject: string): Promise<readonly RegisteredSchema[]> {
    return this.#bySubject.get(subject) ?? [];
  }

  async subjects(): Promise<readonly string[]> {
    return [...this.#bySubject.keys()].sort();
  }

  async compatibilityOf(subject: string): Promise<Compatibility | undefined> {
    return this.#bySubject.has(subject) ? "BACKWARD" : undefined;
  }
}

function assertCompatible(subject: string, avro: AvroJson, latest: RegisteredSchema): void {
  const issues = checkCanRead(avro, latest.avro);
  if (issues.length === 0) return;
  const list = issues.map((issue) => `\n  ${issue.path}: ${issue.message}`).join("");
  throw new MulgilError(
    `the new schema of "${subject}" cannot read what version ${latest.version} wrote; change it, or write to a new topic:${list}`,
    { code: "SCHEMA_INCOMPATIBLE" },
  );
}
