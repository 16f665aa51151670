/** An Avro schema as parsed JSON: the content of an .avsc file. */
export type AvroJson = string | readonly AvroJson[] | { readonly [attribute: string]: unknown };

/**
 * An Avro schema together with the TypeScript type of its values. `type` never exists at run time: it only carries `T`.
 * Files under schemas/types/ are generated from the .avsc files and hold nothing but such handles, so they need no import.
 */
export interface Schema<T> {
  readonly avro: AvroJson;
  readonly type?: T;
}

/** The type of a schema's values: `SchemaType<typeof Transaction>`. */
export type SchemaType<S> = S extends Schema<infer T> ? T : never;
