import type { GroupOffset } from "./committed-offsets.ts";
import type { PartitionLog } from "./partition-log.ts";
import { put, type Write } from "./storage.ts";
import { transactionKey } from "./storage-keys.ts";

/**
 * The status of a transactional id:
 *
 *     idle --first record or offset--> open --commit--> ending --markers durable--> idle
 *                                       |                 ^
 *                                       +-- abort, fence, time-out --+
 *
 * On the disk "committing" is the decision: from there a transaction only goes forward, also after a crash.
 */
export type TransactionStatus =
  | { readonly name: "idle" }
  | (TransactionContent & { readonly name: "open"; readonly startedAtMs: number; cancelTimeout(): void })
  | { readonly name: "ending"; readonly finished: Promise<void> };

export interface TransactionContent {
  /** The first offset in each partition it wrote to. */
  readonly partitions: Map<PartitionLog, number>;
  readonly offsets: GroupOffset[];
}

/** A transactional id: the epoch grows with each owner, so that a former one is recognised. */
export interface TransactionalId {
  readonly id: string;
  readonly producerId: number;
  epoch: number;
  status: TransactionStatus;
}

/** How a transactional id is stored; partitions as topic id, partition, first offset. */
export interface StoredTransactionalId {
  readonly producerId: number;
  readonly epoch: number;
  readonly transaction?: {
    readonly status: "open" | "committing";
    readonly startedAtMs: number;
    readonly partitions: readonly (readonly [topicId: number, partition: number, firstOffset: number])[];
    readonly offsets: readonly (readonly [
      groupId: string,
      topicId: number,
      partition: number,
      offset: number,
      metadata: string,
    ])[];
  };
}

export const idleWrite = ({ id, producerId, epoch }: TransactionalId): Write => write(id, { producerId, epoch });

export function transactionWrite(
  { id, producerId, epoch }: TransactionalId,
  status: "open" | "committing",
  startedAtMs: number,
  { partitions, offsets }: TransactionContent,
): Write {
  return write(id, {
    producerId,
    epoch,
    transaction: {
      status,
      startedAtMs,
      partitions: [...partitions].map(([log, first]) => [log.topicId, log.partition, first] as const),
      offsets: offsets.map((o) => [o.groupId, o.log.topicId, o.log.partition, o.offset, o.metadata] as const),
    },
  });
}

const write = (id: string, stored: StoredTransactionalId): Write =>
  put(transactionKey(id), Buffer.from(JSON.stringify(stored)));
