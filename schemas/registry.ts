import { MulgilError } from "./mulgil-error.ts";
import type { AvroJson } from "./schema.ts";

export interface RegisteredSchema {
  readonly subject: string;
  /** Counts from 1 within the subject. */
  readonly version: number;
  /** The same schema has one id, under whatever subjects it is registered. */
  readonly id: number;
  readonly avro: AvroJson;
}

/**
 * What a registry demands of a new version of a subject. Backward: it can read what the versions before wrote; forward: these can read what it
 * writes; full: both. Transitive: of all versions, else of the latest.
 */
export type Compatibility =
  | "NONE"
  | "BACKWARD"
  | "BACKWARD_TRANSITIVE"
  | "FORWARD"
  | "FORWARD_TRANSITIVE"
  | "FULL"
  | "FULL_TRANSITIVE";

/** Where schemas are known by the ids that stand in front of every value. */
export interface SchemaRegistry {
  /**
   * Returns the id of the schema under the subject. An equal schema gets the id it has; a new one becomes the next version
   * if it can read what the latest version wrote.
   * @throws {MulgilError} SCHEMA_INVALID, SCHEMA_INCOMPATIBLE
   */
  register(subject: string, avro: AvroJson): Promise<number>;
  /** @throws {MulgilError} SCHEMA_UNKNOWN_ID. Any other failure may pass: try again. */
  schemaById(id: number): Promise<AvroJson>;
  /** Undefined if there is no such subject. */
  latest(subject: string): Promise<RegisteredSchema | undefined>;
  /** Oldest first; empty if there is no such subject. */
  versions(subject: string): Promise<readonly RegisteredSchema[]>;
  subjects(): Promise<readonly string[]>;
  /** The rule of a subject; undefined if it has none of its own, and the default of the registry holds. */
  compatibilityOf(subject: string): Promise<Compatibility | undefined>;
}

export const subjectOfValue = (topic: string): string => `${topic}-value`;

export const subjectOfKey = (topic: string): string => `${topic}-key`;

/** It does not answer, or not us, or none is named: nothing is known of what it was asked for. */
export const isRegistryAway = (error: unknown): error is MulgilError =>
  error instanceof MulgilError && error.code.startsWith("REGISTRY_");

export function schemaUnknownId(id: number): MulgilError {
  return new MulgilError(
    `the schema registry knows no schema ${id}: the value was written with another registry, or its schema was deleted`,
    { code: "SCHEMA_UNKNOWN_ID" },
  );
}
