import { existsSync } from "node:fs";
import { recordName } from "../../schemas/avro-node.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import {
  loadProjectSchemas,
  type ProjectSchemas,
  schemaFromFile,
  type TopicSchema,
  topicSchemaOf,
} from "../../schemas/project-schemas.ts";
import { type SchemaRegistry, subjectOfKey, subjectOfValue } from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";

/** How the bytes of a topic's keys are read; "avro" for keys with a schema in the registry. */
export type PlainKeyType = NonNullable<TopicSchema["keyType"]> | "avro";

/** Of a topic, as far as they are known. */
export interface DescribingSchemas {
  readonly values: readonly AvroJson[];
  readonly keys: readonly AvroJson[];
}

export interface TopicSchemasOptions {
  readonly registry: SchemaRegistry;
  /** The project's folder of .avsc files; it need not exist. */
  readonly schemasDir: string;
}

/** What is known of topics outside the jobs: in the registry, and in the project's schemas. */
export class TopicSchemas {
  readonly #registry: SchemaRegistry;
  readonly #schemasDir: string;
  #project: Promise<ProjectSchemas | undefined> | undefined;

  constructor({ registry, schemasDir }: TopicSchemasOptions) {
    this.#registry = registry;
    this.#schemasDir = schemasDir;
  }

  /**
   * The schema to write a topic with: of the given file, of the registry, or of the project, in that order. What a schema does not say of
   * its topic (key, event time, partitions) is taken from the project's.
   * @throws {MulgilError} FILE_MISSING, SCHEMA_FILE, TOPIC_SCHEMA_MISSING
   */
  async forWriting(topic: string, schemaFile: string | undefined): Promise<TopicSchema> {
    if (schemaFile !== undefined) return described(topic, await fromFile(schemaFile), schemaFile);
    const project = (await this.#projectSchemas())?.byTopic(topic);
    const registered = await this.#registry.latest(subjectOfValue(topic));
    if (registered !== undefined) return described(topic, registered.avro, "the schema in the registry", project);
    if (project !== undefined) return project;
    throw await this.#missing(topic);
  }

  async keyTypeOf(topic: string): Promise<PlainKeyType | undefined> {
    if ((await this.#registry.latest(subjectOfKey(topic))) !== undefined) return "avro";
    const registered = await this.#registry.latest(subjectOfValue(topic));
    const described = registered === undefined ? undefined : topicSchemaOf(withTopic(topic, registered.avro));
    return described?.keyType ?? (await this.#projectSchemas())?.byTopic(topic)?.keyType;
  }

  /** Everything that says which fields of a topic hold personal data: the newest schemas of the registry, and the project's. */
  async describing(topic: string): Promise<DescribingSchemas> {
    const [registered, key, project] = await Promise.all([
      this.#registry.latest(subjectOfValue(topic)),
      this.#registry.latest(subjectOfKey(topic)),
      this.#projectSchemas(),
    ]);
    const own = project?.byTopic(topic)?.value;
    const values = [registered?.avro, own].filter((avro) => avro !== undefined);
    return { values, keys: key === undefined ? [] : [key.avro] };
  }

  /** The project's schemas of a record of this name, whatever topic it is on: a job's own topics and stores hold such records too. */
  async ofRecord(name: string): Promise<readonly AvroJson[]> {
    const files = (await this.#projectSchemas())?.files ?? [];
    return files.map(({ avro }) => avro).filter((avro) => recordName(avro) === name);
  }

  #projectSchemas(): Promise<ProjectSchemas | undefined> {
    this.#project ??= existsSync(this.#schemasDir) ? loadProjectSchemas(this.#schemasDir) : Promise.resolve(undefined);
    return this.#project;
  }

  async #missing(topic: string): Promise<MulgilError> {
    const known = (await this.#projectSchemas())?.topics.map((each) => each.topic) ?? [];
    const there = known.length === 0 ? "" : ` (there are ${known.join(", ")})`;
    return new MulgilError(
      `no schema is known for topic "${topic}": name a file with --schema, or put an .avsc file with "topic": "${topic}" into ${this.#schemasDir}${there}`,
      { code: "TOPIC_SCHEMA_MISSING", context: { topic } },
    );
  }
}

async function fromFile(file: string): Promise<AvroJson> {
  if (!existsSync(file))
    throw new MulgilError(`the schema file ${file} does not exist: check its name`, { code: "FILE_MISSING" });
  return schemaFromFile(file);
}

/** The schema under the name of the topic that it is used for, with what only `other` says. */
function described(topic: string, avro: AvroJson, file: string, other?: TopicSchema): TopicSchema {
  const own = topicSchemaOf(withTopic(topic, avro), file);
  if (own === undefined) {
    throw new MulgilError(`${file}: the values of a topic are records, so their schema is a JSON object`, {
      code: "SCHEMA_FILE",
    });
  }
  const { key, keyType, eventTime } = other ?? {};
  return {
    ...(own.keyType === undefined && key !== undefined && { key }),
    ...(keyType && { keyType }),
    ...(eventTime && { eventTime }),
    ...own,
  };
}

const withTopic = (topic: string, avro: AvroJson): AvroJson =>
  typeof avro === "object" && !Array.isArray(avro) ? { ...avro, topic } : avro;
