import type { LogAccess } from "../../runtime/log/port.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { createValueDecoder } from "../../schemas/value-serde.ts";
import { type ReadOptions, readTopic } from "../read/read-topic.ts";

export interface KeyedValue<V> {
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: V | null;
}

export interface TopicValuesOptions<V, F extends keyof V & string>
  extends Partial<Pick<ReadOptions, "partition" | "follow" | "signal">> {
  readonly topic: { readonly name: string; readonly value: Schema<V> };
  /** The others are skipped. */
  readonly fields: readonly F[];
}

export interface LogAndRegistry {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
}

/** What is committed on a topic of customers, partition by partition; with `follow`, as it comes. */
export async function* topicValues<V, F extends keyof V & string>(
  { log, registry }: LogAndRegistry,
  { topic, fields, ...reading }: TopicValuesOptions<V, F>,
): AsyncGenerator<readonly KeyedValue<Pick<V, F>>[]> {
  const decoder = createValueDecoder<Pick<V, F>>({
    schema: topic.value as Schema<unknown> as Schema<Pick<V, F>>,
    registry,
    fields,
  });
  const from = { kind: "spec", spec: "earliest" } as const;
  for await (const records of readTopic(log, { topic: topic.name, from, ...reading })) {
    for (const { value } of records) {
      const missing = value === null ? undefined : decoder.missingId(value);
      if (missing !== undefined) await decoder.load(missing);
    }
    yield records.map(({ key, value }) => ({
      key: key?.toString() ?? "",
      value: value === null ? null : decoder.decode(value),
    }));
  }
}
