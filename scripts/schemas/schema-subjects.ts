import { existsSync } from "node:fs";
import type { LogAccess, TopicDescription } from "../../runtime/log/port.ts";
import { canonicalText } from "../../schemas/canonical-text.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { loadProjectSchemas, type TopicSchema } from "../../schemas/project-schemas.ts";
import {
  type Compatibility,
  type RegisteredSchema,
  type SchemaRegistry,
  subjectOfValue,
} from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";

/** A subject as the registry has it, and the local file that is about its topic. */
export interface SchemaSubject {
  readonly subject: string;
  /** Undefined of subjects that are called otherwise than topics. */
  readonly topic: string | undefined;
  /** Oldest first; empty if nothing is registered. */
  readonly versions: readonly RegisteredSchema[];
  /** Undefined if the registry's default holds. */
  readonly compatibility: Compatibility | undefined;
  /** Undefined if the topic does not exist. */
  readonly described: TopicDescription | undefined;
  readonly local: TopicSchema | undefined;
}

/** A subject that a local file is about. */
export type LocalSubject = SchemaSubject & { readonly local: TopicSchema };

/** The registered version that a local file equals; undefined if it is another one. */
export const versionOfFile = ({ versions, local }: LocalSubject): RegisteredSchema | undefined =>
  versionEqualTo(versions, local.value);

export function versionEqualTo(versions: readonly RegisteredSchema[], avro: AvroJson): RegisteredSchema | undefined {
  const text = canonicalText(avro);
  return versions.findLast((version) => canonicalText(version.avro) === text);
}

/** Every subject of the registry, and every local file about a topic, by subject. The folder need not exist. */
export async function schemaSubjects(
  { log, registry }: { readonly log: LogAccess; readonly registry: SchemaRegistry },
  schemasDir: string,
): Promise<readonly SchemaSubject[]> {
  const files = existsSync(schemasDir) ? (await loadProjectSchemas(schemasDir)).topics : [];
  const local = new Map(files.map((file) => [subjectOfValue(file.topic), file]));
  const topics = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic]));
  const names = [...new Set([...(await registry.subjects()), ...local.keys()])].sort();
  return await Promise.all(
    names.map(async (subject): Promise<SchemaSubject> => {
      const topic = /^(.+)-(?:value|key)$/.exec(subject)?.[1];
      return {
        ...{ subject, topic, local: local.get(subject) },
        versions: await registry.versions(subject),
        compatibility: await registry.compatibilityOf(subject),
        described: topic === undefined ? undefined : topics.get(topic),
      };
    }),
  );
}

/**
 * Those with a local file; only these topics if some are named.
 * @throws {MulgilError} FILE_MISSING if there is no such folder, SCHEMA_FILE_MISSING if no file is about a topic that is named, or about any
 */
export function localSubjects(
  all: readonly SchemaSubject[],
  topics: readonly string[],
  schemasDir: string,
): readonly LocalSubject[] {
  if (!existsSync(schemasDir))
    throw new MulgilError(`the folder ${schemasDir} does not exist: name another with --schemas`, {
      code: "FILE_MISSING",
    });
  const known = all.filter((subject): subject is LocalSubject => subject.local !== undefined);
  const there = known.length === 0 ? "there is none" : `there is ${known.map(({ local }) => local.topic).join(", ")}`;
  const unknown = topics.find((topic) => !known.some(({ local }) => local.topic === topic));
  if (unknown !== undefined || known.length === 0) {
    const what = unknown === undefined ? 'has a "topic"' : `is about the topic "${unknown}"`;
    throw new MulgilError(`no .avsc file in ${schemasDir} ${what}: ${there}`, { code: "SCHEMA_FILE_MISSING" });
  }
  return topics.length === 0 ? known : known.filter(({ local }) => topics.includes(local.topic));
}
