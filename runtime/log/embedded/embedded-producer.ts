import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { Clock } from "../../time/clock.ts";
import { IndefiniteTransactionError } from "../log-errors.ts";
import type { CommittedOffset, ProduceBatch, TransactionalProducer } from "../port.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { checkedAppends } from "./record-checks.ts";
import { closed, transactionStatus } from "./refusals.ts";
import type { TopicCatalog } from "./topic-catalog.ts";
import type { ProducerLease, TransactionCoordinator } from "./transaction-coordinator.ts";

export interface ProducerServices {
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly catalog: TopicCatalog;
  readonly transactions: TransactionCoordinator;
}

/** One owner's use of a transactional id: idle <-> begun, until closed. */
export class EmbeddedProducer implements TransactionalProducer {
  readonly #services: ProducerServices;
  readonly #lease: ProducerLease;
  #status: "idle" | "begun" | "closed" = "idle";

  constructor(services: ProducerServices, lease: ProducerLease) {
    this.#services = services;
    this.#lease = lease;
  }

  begin(): Promise<void> {
    return this.#run("begin", "idle", async () => {
      this.#status = "begun";
    });
  }

  produce(batches: readonly ProduceBatch[]): Promise<readonly number[]> {
    return this.#run("produce", "begun", () => {
      const { catalog, clock, transactions } = this.#services;
      return transactions.produce(this.#lease, checkedAppends(catalog, batches, clock.now()));
    });
  }

  sendOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void> {
    return this.#run("send offsets", "begun", async () => {
      const { catalog, transactions } = this.#services;
      const checked = offsets.map((committed) => {
        const { offset, metadata } = committed;
        return { groupId, log: catalog.require(committed), offset, metadata };
      });
      transactions.sendOffsets(this.#lease, checked);
    });
  }

  commit(): Promise<void> {
    return this.#run("commit", "begun", async () => {
      this.#status = "idle";
      try {
        await this.#services.transactions.commit(this.#lease);
      } catch (error) {
        throw this.#isStorageFailure(error) ? this.#indefinite(error) : error;
      }
    });
  }

  abort(): Promise<void> {
    return this.#run("abort", "begun", async () => {
      this.#status = "idle";
      await this.#services.transactions.abort(this.#lease);
    });
  }

  async close(): Promise<void> {
    this.#status = "closed";
  }

  #run<T>(action: string, needed: "idle" | "begun", work: () => Promise<T>): Promise<T> {
    return this.#services.lifecycle.run(() => {
      if (this.#status === "closed") throw closed("transactional producer");
      this.#services.transactions.assertCurrent(this.#lease);
      if (this.#status !== needed) {
        const found = needed === "idle" ? "its transaction has begun already" : "no transaction has begun";
        throw transactionStatus(this.#lease.id, action, found);
      }
      return work();
    });
  }

  #isStorageFailure(error: unknown): error is MulgilError {
    return error instanceof MulgilError && error.code === "DATA_DIR_UNUSABLE";
  }

  #indefinite(cause: MulgilError): IndefiniteTransactionError {
    return new IndefiniteTransactionError(
      `the decision of transactional id "${this.#lease.id}" could not be written, so it is unknown; open the log again, open the producer, and compare the committed offsets`,
      { cause },
    );
  }
}
