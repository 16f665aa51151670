import type { TopicCatalog } from "./topic-catalog.ts";
import type { TransactionCoordinator } from "./transaction-coordinator.ts";

export interface OpenTransaction {
  readonly transactionalId: string | undefined;
  readonly firstOffset: number;
}

export interface PartitionInspection {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly lastStableOffset: number;
  readonly openTransactions: readonly OpenTransaction[];
}

/** Looks at a log without changing it: not even time-outs are noticed. */
export class LogInspection {
  readonly #catalog: TopicCatalog;
  readonly #transactions: TransactionCoordinator;

  constructor(catalog: TopicCatalog, transactions: TransactionCoordinator) {
    this.#catalog = catalog;
    this.#transactions = transactions;
  }

  /** @throws LOG_UNKNOWN_TOPIC */
  partition(topic: string, partition: number): PartitionInspection {
    const log = this.#catalog.require({ topic, partition });
    const { startOffset, endOffset, lastStableOffset } = log;
    const openTransactions = [...log.openTransactions].map(([producerId, firstOffset]) => ({
      transactionalId: this.#transactions.idOf(producerId),
      firstOffset,
    }));
    return { startOffset, endOffset, lastStableOffset, openTransactions };
  }
}
