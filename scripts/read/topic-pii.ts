import { recordName } from "../../schemas/avro-node.ts";
import { createMasker, type Digest, type Masker } from "../../schemas/masker.ts";
import { type PiiRule, stricter } from "../../schemas/pii.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import type { DescribingSchemas, TopicSchemas } from "../topics/topic-schemas.ts";

/** What is known of the personal data in the records of some topics. */
export interface TopicPii {
  /** A schema of theirs tags a field, so what cannot be read may hold such data. */
  readonly holdsPii: boolean;
  /** A schema says which field the key is. */
  readonly hasKeyField: boolean;
  /** How to show values written with a schema. */
  masker(writer: AvroJson): Masker;
  /** How to show keys written with a schema. */
  keyMasker(writer: AvroJson): Masker;
  /** The rule of the field that is the key; `writer` is the schema of the value, where there is one. */
  keyRule(writer: AvroJson | undefined): PiiRule | undefined;
}

/** Finds out about personal data in topics, and remembers it. Everything is asked beforehand, so that records can be shown synchronously. */
export class PiiOfTopics {
  readonly #schemas: TopicSchemas;
  readonly #digest: Digest | undefined;
  readonly #described = new Map<string, DescribingSchemas>();
  readonly #byName = new Map<string, readonly AvroJson[]>();
  readonly #byTopics = new Map<string, TopicPii>();

  constructor(schemas: TopicSchemas, digest: Digest | undefined) {
    this.#schemas = schemas;
    this.#digest = digest;
  }

  async learn(topics: readonly string[], writers: readonly AvroJson[]): Promise<void> {
    for (const topic of topics) {
      if (!this.#described.has(topic)) this.#described.set(topic, await this.#schemas.describing(topic));
    }
    for (const writer of writers) {
      const name = recordName(writer);
      if (name !== undefined && !this.#byName.has(name)) this.#byName.set(name, await this.#schemas.ofRecord(name));
    }
  }

  /** Of records that lie on, or come from, these topics; they have been learnt. */
  of(topics: readonly string[]): TopicPii {
    const name = topics.join("\n");
    const known = this.#byTopics.get(name);
    if (known !== undefined) return known;
    const described = topics.map((topic) => this.#described.get(topic)!);
    const made = this.#make(
      described.flatMap(({ values }) => values),
      described.flatMap(({ keys }) => keys),
    );
    this.#byTopics.set(name, made);
    return made;
  }

  #make(values: readonly AvroJson[], keys: readonly AvroJson[]): TopicPii {
    const digest = this.#digest;
    const others = (writer: AvroJson) => [...values, ...(this.#byName.get(recordName(writer) ?? "") ?? [])];
    const masker = remembered((writer) => createMasker({ writer, others: others(writer), digest }));
    const fields = values.flatMap(keyField);
    return {
      holdsPii: [...values, ...keys].some((avro) => createMasker({ writer: avro }).hides),
      hasKeyField: fields.length > 0,
      masker,
      keyMasker: remembered((writer) => createMasker({ writer, others: keys, digest })),
      keyRule(writer) {
        const schemas = writer === undefined ? values : [writer, ...values];
        return schemas
          .flatMap((avro) => [...fields, ...keyField(avro)].map((field) => masker(avro).ruleOf(field)))
          .reduce(stricter, undefined);
      },
    };
  }
}

/** Schemas come from a registry that gives the same object for the same schema. */
function remembered(make: (writer: AvroJson) => Masker): (writer: AvroJson) => Masker {
  const maskers = new Map<AvroJson, Masker>();
  return (writer) => {
    const masker = maskers.get(writer) ?? make(writer);
    maskers.set(writer, masker);
    return masker;
  };
}

function keyField(avro: AvroJson): readonly string[] {
  const key = typeof avro === "object" && "key" in avro ? avro.key : undefined;
  return typeof key === "string" ? [key] : [];
}
