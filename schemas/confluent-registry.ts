import { canonicalText } from "./canonical-text.ts";
import { checkCanRead } from "./compatibility.ts";
import { MulgilError } from "./mulgil-error.ts";
import { type Compatibility, type RegisteredSchema, type SchemaRegistry, schemaUnknownId } from "./registry.ts";
import {
  type ConfluentRegistryOptions,
  RegistryRequests,
  type SchemaText,
  type VersionText,
} from "./registry-requests.ts";
import type { AvroJson } from "./schema.ts";

/**
 * A registry with Confluent's interface. Schemas never change under their id, so each is asked for once: what is known stays readable and
 * writable while the registry is away.
 *
 * The requests are those of @kafkajs/confluent-schema-registry. Its own `register` is not used: it refuses a subject whose compatibility is
 * stricter than the one it is told, and schemas without a name; nor is its `getSchema`: it drops logical types and unknown attributes.
 */
export async function openConfluentRegistry(options: ConfluentRegistryOptions): Promise<SchemaRegistry> {
  return new ConfluentRegistry(await RegistryRequests.open(options));
}

class ConfluentRegistry implements SchemaRegistry {
  readonly #requests: RegistryRequests;
  readonly #byId = new Map<number, Promise<AvroJson>>();
  readonly #versions = new Map<string, RegisteredSchema>();
  /** By subject and canonical text. */
  readonly #registered = new Map<string, Promise<number>>();

  constructor(requests: RegistryRequests) {
    this.#requests = requests;
  }

  register(subject: string, avro: AvroJson): Promise<number> {
    return remembered(this.#registered, `${subject} ${canonicalText(avro)}`, () => this.#register(subject, avro));
  }

  schemaById(id: number): Promise<AvroJson> {
    return remembered(this.#byId, id, async () => {
      const found = await this.#requests.ask(`fetch schema ${id}`, (api, given) => api.Schema.find({ ...given, id }));
      if (found === undefined) throw schemaUnknownId(id);
      return avroOf(found, `schema ${id}`);
    });
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const found = await this.#requests.ask(`fetch the latest schema of "${subject}"`, (api, given) =>
      api.Subject.latestVersion({ ...given, subject }),
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
    const subjects = await this.#requests.ask("list the subjects", (api, given) => api.Subject.all(given));
    return [...(subjects ?? [])].sort();
  }

  async compatibilityOf(subject: string): Promise<Compatibility | undefined> {
    return (await this.#ruleOf(subject))?.compatibilityLevel;
  }

  #ruleOf(subject: string) {
    return this.#requests.ask(`read the compatibility of "${subject}"`, (api, given) =>
      api.Subject.config({ ...given, subject }),
    );
  }

  async #register(subject: string, avro: AvroJson): Promise<number> {
    const latest = await this.latest(subject);
    const text = canonicalText(avro);
    if (latest !== undefined && canonicalText(latest.avro) === text) return latest.id;
    if (latest !== undefined) assertCompatible(subject, avro, latest);
    const hasRule = (await this.#ruleOf(subject)) !== undefined;
    const registered = await this.#requests.ask(`register a schema under "${subject}"`, (api, given) =>
      api.Subject.register({ ...given, subject, body: { schema: text } }),
    );
    // A registry can only be told about a subject that it knows.
    if (!hasRule) {
      const body = { compatibility: "BACKWARD" };
      await this.#requests.ask(`set the compatibility of "${subject}"`, (api, given) =>
        api.Subject.updateConfig({ ...given, subject, body }),
      );
    }
    if (registered === undefined) throw noRegistry(`could not register a schema under "${subject}"`);
    const { id } = registered;
    this.#byId.set(id, Promise.resolve(JSON.parse(text) as AvroJson));
    return id;
  }

  /** Undefined if it was deleted. */
  async #version(subject: string, version: number): Promise<RegisteredSchema | undefined> {
    const found = await this.#requests.ask(`fetch version ${version} of "${subject}"`, (api, given) =>
      api.Subject.version({ ...given, subject, version }),
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
  if (typeof schema !== "string") throw noRegistry(`${what} was answered without a schema`);
  try {
    return JSON.parse(schema) as AvroJson;
  } catch (cause) {
    throw new MulgilError(`${what} is no JSON in the registry: register it anew`, { code: "SCHEMA_INVALID", cause });
  }
}

const noRegistry = (what: string): MulgilError =>
  new MulgilError(`${what}: what answers is no schema registry; correct the address, path included`, {
    code: "REGISTRY_UNREACHABLE",
  });

function assertCompatible(subject: string, avro: AvroJson, latest: RegisteredSchema): void {
  const issues = checkCanRead(avro, latest.avro);
  if (issues.length === 0) return;
  const list = issues.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  throw new MulgilError(
    `the new schema of "${subject}" cannot read what version ${latest.version} wrote; change it, or write to a new topic:${list}`,
    { code: "SCHEMA_INCOMPATIBLE" },
  );
}
