import { canonicalText } from "./canonical-text.ts";
import { checkCanRead } from "./compatibility.ts";
import { MulgilError } from "./mulgil-error.ts";
import { type Compatibility, type RegisteredSchema, type SchemaRegistry, schemaUnknownId } from "./registry.ts";
import type { AvroJson } from "./schema.ts";

export interface ConfluentRegistryOptions {
  /** Without a slash at the end: `http://registry:8081`, or `…/apis/ccompat/v7` of an Apicurio registry. */
  readonly url: string;
  /** @default no authentication */
  readonly auth?: { readonly username: string; readonly password: string };
  /** PEM text of the authorities to trust. @default those of the machine */
  readonly ca?: string;
}

/** The requests of the registry client, as far as they are used. */
interface RegistryApi {
  readonly Schema: { find(where: { id: number }): Promise<Answer<SchemaText>> };
  readonly Subject: {
    all(where: Record<string, never>): Promise<Answer<readonly string[]>>;
    latestVersion(where: { subject: string }): Promise<Answer<VersionText>>;
    version(where: { subject: string; version: number }): Promise<Answer<VersionText>>;
    config(where: { subject: string }): Promise<Answer<{ readonly compatibilityLevel?: Compatibility }>>;
    updateConfig(where: { subject: string; body: { compatibility: string } }): Promise<Answer<unknown>>;
    register(where: { subject: string; body: { schema: string } }): Promise<Answer<{ readonly id: number }>>;
  };
}

interface Answer<T> {
  data(): T;
}

interface SchemaText {
  readonly schema: string;
  readonly schemaType?: string | null;
  readonly references?: readonly unknown[] | null;
}

interface VersionText extends SchemaText {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
}

/** A registry that has failed is asked so often again, within seconds. */
const RETRIES = 3;

/**
 * A registry with Confluent's interface. Schemas never change under their id, so each is asked for once: what is known stays readable and
 * writable while the registry is away.
 *
 * The requests are those of @kafkajs/confluent-schema-registry. Its own `register` is not used: it refuses a subject whose compatibility is
 * stricter than the one it is told, and schemas without a name; nor is its `getSchema`: it drops logical types and unknown attributes.
 */
export async function openConfluentRegistry(options: ConfluentRegistryOptions): Promise<SchemaRegistry> {
  // Loaded by those who use it: it brings Protobuf and JSON Schema along.
  const [{ SchemaRegistry: Client }, { Agent }] = await Promise.all([
    import("@kafkajs/confluent-schema-registry"),
    import("node:https"),
  ]);
  const client = new Client({
    host: options.url.replace(/\/+$/, ""),
    retry: { retries: RETRIES },
    ...(options.auth !== undefined && { auth: { ...options.auth } }),
    ...(options.ca !== undefined && { agent: new Agent({ ca: options.ca, keepAlive: true }) }),
  });
  return new ConfluentRegistry(client["api"]);
}

class ConfluentRegistry implements SchemaRegistry {
  readonly #api: RegistryApi;
  readonly #byId = new Map<number, Promise<AvroJson>>();
  readonly #versions = new Map<string, RegisteredSchema>();
  /** By subject and canonical text. */
  readonly #registered = new Map<string, Promise<number>>();

  constructor(api: RegistryApi) {
    this.#api = api;
  }

  register(subject: string, avro: AvroJson): Promise<number> {
    return remembered(this.#registered, `${subject} ${canonicalText(avro)}`, () => this.#register(subject, avro));
  }

  schemaById(id: number): Promise<AvroJson> {
    return remembered(this.#byId, id, async () => {
      const found = await ask(`fetch schema ${id}`, () => this.#api.Schema.find({ id }));
      if (found === undefined) throw schemaUnknownId(id);
      return avroOf(found, `schema ${id}`);
    });
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const found = await ask(`fetch the latest schema of "${subject}"`, () =>
      this.#api.Subject.latestVersion({ subject }),
    );
    return found && this.#keep(found);
  }

  async versions(subject: string): Promise<readonly RegisteredSchema[]> {
    const latest = await this.latest(subject);
    const versions: RegisteredSchema[] = [];
    for (let version = 1; version < (latest?.version ?? 0); version++) {
      const known = this.#versions.get(`${subject} ${version}`) ?? (await this.#version(subject, version));
      if (known !== undefined) versions.push(known);
    }
    return latest === undefined ? [] : [...versions, latest];
  }

  async subjects(): Promise<readonly string[]> {
    const subjects = await ask("list the subjects", () => this.#api.Subject.all({}));
    return [...(subjects ?? [])].sort();
  }

  async compatibilityOf(subject: string): Promise<Compatibility | undefined> {
    return (await this.#ruleOf(subject))?.compatibilityLevel;
  }

  #ruleOf(subject: string) {
    return ask(`read the compatibility of "${subject}"`, () => this.#api.Subject.config({ subject }));
  }

  async #register(subject: string, avro: AvroJson): Promise<number> {
    const latest = await this.latest(subject);
    const text = canonicalText(avro);
    if (latest !== undefined && canonicalText(latest.avro) === text) return latest.id;
    if (latest !== undefined) assertCompatible(subject, avro, latest);
    const hasRule = (await this.#ruleOf(subject)) !== undefined;
    const registered = await ask(`register a schema under "${subject}"`, () =>
      this.#api.Subject.register({ subject, body: { schema: text } }),
    );
    // A registry can only be told about a subject that it knows.
    if (!hasRule) {
      const body = { compatibility: "BACKWARD" };
      await ask(`set the compatibility of "${subject}"`, () => this.#api.Subject.updateConfig({ subject, body }));
    }
    const { id } = registered!;
    this.#byId.set(id, Promise.resolve(JSON.parse(text) as AvroJson));
    return id;
  }

  /** Undefined if it was deleted. */
  async #version(subject: string, version: number): Promise<RegisteredSchema | undefined> {
    const found = await ask(`fetch version ${version} of "${subject}"`, () =>
      this.#api.Subject.version({ subject, version }),
    );
    return found && this.#keep(found);
  }

  #keep(found: VersionText): RegisteredSchema {
    const { id, subject, version } = found;
    const schema = { id, subject, version, avro: avroOf(found, `version ${version} of "${subject}"`) };
    this.#versions.set(`${subject} ${version}`, schema);
    this.#byId.set(id, Promise.resolve(schema.avro));
    return schema;
  }
}

/** Asks once, also when many ask at a time; a failure is not remembered. */
function remembered<K, V>(known: Map<K, Promise<V>>, key: K, find: () => Promise<V>): Promise<V> {
  const found = known.get(key);
  if (found !== undefined) return found;
  const asked = find();
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}

function avroOf({ schema, schemaType, references }: SchemaText, what: string): AvroJson {
  if (schemaType && schemaType !== "AVRO") {
    throw new MulgilError(`${what} is ${schemaType}, but Mulgil reads Avro: use another topic, or convert it`, {
      code: "SCHEMA_TYPE",
    });
  }
  if (references && references.length > 0) {
    throw new MulgilError(
      `${what} refers to schemas of other subjects, which Mulgil does not resolve: register it with its types inside`,
      {
        code: "SCHEMA_REFERENCES",
      },
    );
  }
  return JSON.parse(schema) as AvroJson;
}

function assertCompatible(subject: string, avro: AvroJson, latest: RegisteredSchema): void {
  const issues = checkCanRead(avro, latest.avro);
  if (issues.length === 0) return;
  const list = issues.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  throw new MulgilError(
    `the new schema of "${subject}" cannot read what version ${latest.version} wrote; change it, or write to a new topic:${list}`,
    { code: "SCHEMA_INCOMPATIBLE" },
  );
}

/** Undefined if there is no such thing. @throws {MulgilError} SCHEMA_INCOMPATIBLE, SCHEMA_INVALID, REGISTRY_NOT_AUTHORIZED, REGISTRY_UNREACHABLE */
async function ask<T>(what: string, request: () => Promise<Answer<T>>): Promise<T | undefined> {
  try {
    return (await request()).data();
  } catch (error) {
    const { status, message } = error as { status?: number; message: string };
    if (status === 404) return undefined;
    const fail = (code: string, advice: string) =>
      new MulgilError(`could not ${what}: ${message}; ${advice}`, { code, cause: error });
    if (status === 409) throw fail("SCHEMA_INCOMPATIBLE", "change the schema, or write to a new topic");
    if (status === 422) throw fail("SCHEMA_INVALID", "correct the schema");
    if (status === 401 || status === 403)
      throw fail("REGISTRY_NOT_AUTHORIZED", "check the registry's user and password");
    throw fail("REGISTRY_UNREACHABLE", "is the schema registry running, at the address that was given?");
  }
}
