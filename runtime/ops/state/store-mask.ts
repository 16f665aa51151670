import { avroNodeOf, recordName } from "../../../schemas/avro-node.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import { createEntryMask, type EntryMask, type EntryMaskOptions } from "../../operators/entry-mask.ts";
import { entrySecrets, type StoreInPlan, schemasIn, topicsBehind } from "../../operators/entry-secrets.ts";
import type { TopicSchemas } from "../../plan/personal-data.ts";

/** Who knows of schemas beside the definition of a job. */
export interface SchemaSource {
  /** The newest of a topic's records; undefined if nobody can say now. */
  describing(topic: string): Promise<TopicSchemas | undefined>;
  /** Of records of this name, whatever topic they are on. */
  ofRecord?(name: string): Promise<readonly AvroJson[]>;
}

/** How the entries of a store may be shown now: everything is asked beforehand, so that they can be shown one by one. */
export async function storeMask(
  store: StoreInPlan,
  source: SchemaSource,
  options: EntryMaskOptions,
): Promise<EntryMask> {
  const names = schemasIn(store).flatMap((avro) => recordName(avro) ?? []);
  const topics = await answers(topicsBehind(store), async (topic) => readable(await source.describing(topic)));
  const records = await answers(names, async (name) => (await source.ofRecord?.(name)) ?? []);
  const known = {
    ofTopic: (topic: string) => topics.get(topic),
    ofRecord: (name: string) => records.get(name) ?? [],
  };
  return createEntryMask(entrySecrets(store, known), options);
}

/** A registry may have taken what is no schema here: of what it says nobody can say anything. */
function readable(schemas: TopicSchemas | undefined): TopicSchemas | undefined {
  try {
    for (const avro of [...(schemas?.values ?? []), ...(schemas?.keys ?? [])]) avroNodeOf(avro);
    return schemas;
  } catch {
    return undefined;
  }
}

const answers = async <Answer>(names: readonly string[], ask: (name: string) => Promise<Answer>) =>
  new Map(await Promise.all(names.map(async (name) => [name, await ask(name)] as const)));
