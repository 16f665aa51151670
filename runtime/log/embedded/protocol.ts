import type { Compatibility, RegisteredSchema } from "../../../schemas/registry.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import type {
  CommittedOffset,
  FetchedBatch,
  Isolation,
  LogAccess,
  PartitionOffset,
  ProduceBatch,
  TopicPartition,
} from "../port.ts";
import type { WireError } from "./wire-errors.ts";

/** Both sides must be of one version; the first call of a connection compares. */
export const PROTOCOL = 3;

type LogMethods = Omit<LogAccess, "openReader" | "openTransactionalProducer" | "close">;

/** What a client may call. Readers and producers live in the owner and have a number. */
export interface RemoteMethods extends LogMethods {
  hello(protocol: number): Promise<void>;
  openReader(isolation: Isolation): Promise<number>;
  readerAssign(reader: number, positions: readonly PartitionOffset[]): Promise<void>;
  readerUnassign(reader: number, partitions: readonly TopicPartition[]): Promise<void>;
  readerPoll(reader: number, waitMaxMs: number): Promise<readonly FetchedBatch[]>;
  readerClose(reader: number): Promise<void>;
  openProducer(transactionalId: string): Promise<number>;
  producerBegin(producer: number): Promise<void>;
  producerProduce(producer: number, batches: readonly ProduceBatch[]): Promise<readonly number[]>;
  producerSendOffsets(producer: number, groupId: string, offsets: readonly CommittedOffset[]): Promise<void>;
  producerCommit(producer: number): Promise<void>;
  producerAbort(producer: number): Promise<void>;
  producerClose(producer: number): Promise<void>;
  registerSchema(subject: string, avro: AvroJson): Promise<number>;
  schemaById(id: number): Promise<AvroJson>;
  latestSchema(subject: string): Promise<RegisteredSchema | undefined>;
  schemaVersions(subject: string): Promise<readonly RegisteredSchema[]>;
  schemaSubjects(): Promise<readonly string[]>;
  schemaCompatibility(subject: string): Promise<Compatibility | undefined>;
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
