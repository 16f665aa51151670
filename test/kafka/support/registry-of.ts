import { MemoryLevel } from "memory-level";
import type { TopicDefinition } from "mulgil";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import { type SchemaRegistry, subjectOfValue } from "../../../schemas/registry.ts";

/** In memory, and the same in every process: ids are given in the order of registration. */
export async function openRegistryOf(topics: readonly TopicDefinition[]): Promise<SchemaRegistry> {
  const registry = await openEmbeddedRegistry(new MemoryLevel());
  for (const { name, value } of topics) await registry.register(subjectOfValue(name), value.avro);
  return registry;
}
