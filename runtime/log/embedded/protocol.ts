import type { RegisteredSchema } from "../../../schemas/registry.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import type { FetchedBatch, Isolation, LogAccess, PartitionOffset, TopicPartition } from "../port.ts";
import type { WireError } from "./wire-errors.ts";

/** Both sides must be of one version; the first call of a connection compares. */
export const PROTOCOL = 3;

type LogMethods = Omit<LogAccess, "openReader" | "close">;

/** What a client may call. Readers live in the owner and have a number. */
export interface RemoteMethods extends LogMethods {
  hello(protocol: number): Promise<void>;
  openReader(isolation: Isolation): Promise<number>;
  readerAssign(reader: number, positions: readonly PartitionOffset[]): Promise<void>;
  readerUnassign(reader: number, partitions: readonly TopicPartition[]): Promise<void>;
  readerPoll(reader: number, waitMaxMs: number): Promise<readonly FetchedBatch[]>;
  readerClose(reader: number): Promise<void>;
  registerSchema(subject: string, avro: AvroJson): Promise<number>;
  schemaById(id: number): Promise<AvroJson>;
  latestSchema(subject: string): Promise<RegisteredSchema | undefined>;
  schemaVersions(subject: string): Promise<readonly RegisteredSchema[]>;
  schemaSubjects(): Promise<readonly string[]>;
}

export type RemoteMethod = keyof RemoteMethods;

export interface Request {
  readonly id: number;
  readonly method: RemoteMethod;
  readonly args: readonly unknown[];
}

export type Response =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError };
