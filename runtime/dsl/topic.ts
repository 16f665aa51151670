import type { KeyOf, KeyType } from "../../schemas/key-type.ts";
import type { Schema, SchemaType } from "../../schemas/schema.ts";

/**
 * A topic as a job knows it: where it lies, what its values are, which field is the key, what time an event happened.
 * The handles under schemas/types/ have this shape, so an .avsc file with a "topic" attribute is a topic definition.
 */
export interface TopicDefinition {
  readonly name: string;
  readonly value: Schema<unknown>;
  /** The field of the value that is the record's key. */
  readonly key?: string;
  /** The type of a key that is not a field of the value. Without `key` and `keyType`, records have no key. */
  readonly keyType?: KeyType;
  /** The field (timestamp-millis or date) that says when it happened; a function of the value; by default the record's timestamp. */
  readonly eventTime?: string | ((value: never) => number);
  /** Used when the topic has to be created. @default 4 */
  readonly partitions?: number;
}

export type TopicValue<T extends TopicDefinition> = SchemaType<T["value"]>;

/** The type of a topic's keys, from the field it names or its `keyType`; null for a topic without keys. */
export type TopicKey<T extends TopicDefinition> = T extends { readonly key: infer F extends string }
  ? F extends keyof TopicValue<T>
    ? TopicValue<T>[F]
    : never
  : T extends { readonly keyType: infer KT extends KeyType }
    ? KeyOf<KT>
    : null;

/** A field of `V` that may be a key. */
export type KeyField<V> = { [F in keyof V & string]: V[F] extends string | number ? F : never }[keyof V & string];

export interface TopicOptions<V> {
  readonly value: Schema<V>;
  readonly eventTime?: (keyof V & string) | ((value: V) => number);
  readonly partitions?: number;
}

/**
 * Defines a topic whose key is a field of its value, or of a declared type, or absent. Pure data: nothing is created or checked here.
 * @example
 * const payments = topic("shop.payments", { value: payment, key: "customerId", eventTime: "paidAt" });
 */
export function topic<V, const O extends TopicOptions<V> & { readonly key?: KeyField<V>; readonly keyType?: KeyType }>(
  name: string,
  options: O & TopicOptions<V>,
): { readonly name: string } & O {
  return Object.freeze({ name, ...options });
}
