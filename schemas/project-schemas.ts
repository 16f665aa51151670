import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { avroNodeOf } from "./avro-node.ts";
import { avroTypeOf } from "./avro-type.ts";
import { keyTypeOfField } from "./key-serde.ts";
import { MulgilError } from "./mulgil-error.ts";
import { piiProblem } from "./pii.ts";
import type { AvroJson } from "./schema.ts";

/** What an .avsc file says about a topic, in attributes beside those of Avro. */
export interface TopicSchema {
  readonly topic: string;
  readonly value: AvroJson;
  /** The field of the value that is the record's key. */
  readonly key?: string;
  /** The type of the key: of the field, or of a key that is not in the value. Neither: records have no key. */
  readonly keyType?: "string" | "int" | "long" | "double" | "bytes";
  /** The field that says when the event happened: a timestamp-millis or a date. */
  readonly eventTime?: string;
  readonly partitions: number;
  /** Relative to the directory that was read. */
  readonly file: string;
}

export interface SchemaFile {
  /** Relative to the directory that was read, with forward slashes. */
  readonly file: string;
  readonly avro: AvroJson;
}

export interface ProjectSchemas {
  readonly files: readonly SchemaFile[];
  readonly topics: readonly TopicSchema[];
  byTopic(topic: string): TopicSchema | undefined;
}

const PARTITIONS_DEFAULT = 4;
const KEY_TYPES: readonly unknown[] = ["string", "int", "long", "double", "bytes"];
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/**
 * Reads every .avsc file below a directory. Each holds one schema and needs no other file.
 * @throws {MulgilError} SCHEMA_FILE, with everything that is wrong in any of the files
 */
export async function loadProjectSchemas(directory: string): Promise<ProjectSchemas> {
  const files: SchemaFile[] = [];
  const topics = new Map<string, TopicSchema>();
  const problems: string[] = [];
  for (const file of await schemaFilesBelow(directory)) {
    try {
      const avro = await schemaFromFile(join(directory, file), file);
      const topic = topicSchemaOf(avro, file);
      const other = topic === undefined ? undefined : topics.get(topic.topic);
      if (other !== undefined)
        throw problem(file, `topic "${other.topic}" is also in ${other.file}: keep one of the two files`);
      if (topic !== undefined) topics.set(topic.topic, topic);
      files.push({ file, avro });
    } catch (error) {
      if (!(error instanceof MulgilError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new MulgilError(problems.join("\n"), { code: "SCHEMA_FILE" });
  return { files, topics: [...topics.values()], byTopic: (topic) => topics.get(topic) };
}

/** @throws {MulgilError} SCHEMA_FILE if the file holds no JSON or no Avro schema. Errors call it by `name` */
export async function schemaFromFile(path: string, name: string = path): Promise<AvroJson> {
  const text = await readFile(path, "utf8");
  let avro: AvroJson;
  try {
    avro = JSON.parse(text);
  } catch (error) {
    throw problem(name, `it is not JSON: ${(error as Error).message}`, error);
  }
  if (avro === null || (typeof avro !== "object" && typeof avro !== "string"))
    throw problem(name, "an Avro schema is a JSON object");
  within(name, () => avroTypeOf(avro));
  const wrongTag = piiProblem(avro);
  if (wrongTag !== undefined) throw problem(name, wrongTag);
  return avro;
}

/**
 * What a schema says about its topic; undefined without a "topic" attribute.
 * @throws {MulgilError} SCHEMA_FILE if an attribute does not fit
 */
export function topicSchemaOf(avro: AvroJson, file = "the schema"): TopicSchema | undefined {
  if (typeof avro !== "object" || !("topic" in avro)) return undefined;
  const { topic, key, keyType, eventTime, partitions = PARTITIONS_DEFAULT } = avro;
  if (typeof topic !== "string" || !TOPIC_NAME.test(topic)) {
    throw problem(file, '"topic" must be a name of letters, digits, ".", "_" and "-"');
  }
  if (!Number.isInteger(partitions) || (partitions as number) < 1)
    throw problem(file, '"partitions" must be an integer from 1');
  return {
    topic,
    value: avro,
    ...within(file, () => keyOf(avro, key, keyType, file)),
    ...eventTimeOf(avro, eventTime, file),
    partitions: partitions as number,
    file,
  };
}

function keyOf(avro: AvroJson, key: unknown, keyType: unknown, file: string): Pick<TopicSchema, "key" | "keyType"> {
  if (key !== undefined && keyType !== undefined) {
    throw problem(
      file,
      'it has "key" and "keyType": a key that is a field has the type of the field, so remove "keyType"',
    );
  }
  if (key !== undefined) {
    if (typeof key !== "string") throw problem(file, '"key" must be the name of a field');
    return { key, keyType: keyTypeOfField(avro, key) };
  }
  if (keyType === undefined) return {};
  if (!KEY_TYPES.includes(keyType)) throw problem(file, `"keyType" must be one of ${KEY_TYPES.join(", ")}`);
  return { keyType: keyType as NonNullable<TopicSchema["keyType"]> };
}

function eventTimeOf(avro: AvroJson, eventTime: unknown, file: string): Pick<TopicSchema, "eventTime"> {
  if (eventTime === undefined) return {};
  const record = avroNodeOf(avro);
  const times = (record.kind === "record" ? record.fields : []).filter(
    ({ node }) => "logical" in node && (node.logical === "timestamp-millis" || node.logical === "date"),
  );
  if (typeof eventTime === "string" && times.some((field) => field.name === eventTime)) return { eventTime };
  const names = times.map((field) => field.name).join(", ") || "there is none";
  throw problem(
    file,
    `"eventTime" must be a field that is a timestamp-millis or a date and not null (${names}), not ${JSON.stringify(eventTime)}`,
  );
}

async function schemaFilesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".avsc"));
  return files.map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join("/")).sort();
}

const problem = (file: string, message: string, cause?: unknown): MulgilError =>
  new MulgilError(`${file}: ${message}`, { code: "SCHEMA_FILE", context: { file }, cause });

/** Puts the name of the file in front of what is wrong with its schema. */
function within<T>(file: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof MulgilError) || error.code === "SCHEMA_FILE") throw error;
    throw problem(file, error.message, error);
  }
}
