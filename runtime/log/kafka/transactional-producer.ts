import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../../errors/errors.ts";
import { closed, fencedProducer, transactionStatus } from "../embedded/refusals.ts";
import { IndefiniteTransactionError } from "../log-errors.ts";
import type { CommittedOffset, ProduceBatch, TransactionalProducer } from "../port.ts";
import { checkBatches, type Sender, type SenderServices, sendBatches } from "./batch-sender.ts";
import { brokerCodeOf, code, kindOf } from "./broker-errors.ts";
import type { Coordinators } from "./coordinators.ts";
import { byTopic, keyOf } from "./grouping.ts";
import { retrying } from "./retry.ts";
import { Sequences } from "./sequences.ts";

export interface TransactionServices extends SenderServices {
  readonly coordinators: Coordinators;
  readonly transactionTimeoutMs: number;
}

/** What brokers say to an owner that is no longer the present one, or whose transaction timed out. */
const FENCED = new Set<number>([
  code.invalidProducerEpoch,
  code.producerFenced,
  code.invalidProducerIdMapping,
  code.invalidTransactionState,
]);
const REFUSED_TOGETHER = new Set<number>([code.operationNotAttempted, code.topicAuthorizationFailed]);
/** A decided transaction is complete within milliseconds, but for a broker that dies just then. */
const COMPLETION_MAX_MS = 10_000;

/**
 * One owner's use of a transactional id:
 *
 *   idle ──begin──► begun ──commit, abort──► idle
 *     └───────────────┴── fenced, or an answer that never came ──► failed       (any) ──close──► closed
 *
 * The coordinator has decided a transaction when it answers; the markers are written after that. `commit` and `abort` wait for them too, so
 * that whoever reads afterwards sees the outcome: idleness, for one, is measured by what readers see.
 */
export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #services: TransactionServices;
  readonly #id: string;
  readonly #sender: Sender & { readonly transactionalId: string };
  readonly #isLogClosed: () => boolean;
  #status: "idle" | "begun" | "closed" = "idle";
  /** Why it cannot be used any more. */
  #failure: MulgilError | undefined;
  /** Something of the transaction may be written in part, so it can only be aborted. */
  #mustAbort = false;
  readonly #partitions = new Set<string>();
  readonly #groups = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(
    services: TransactionServices,
    sender: Sender & { readonly transactionalId: string },
    isLogClosed: () => boolean,
  ) {
    this.#services = services;
    this.#id = sender.transactionalId;
    this.#sender = sender;
    this.#isLogClosed = isLogClosed;
  }

  /** The coordinator answers when the former owner is fenced and its transaction has ended, markers included. */
  static async open(
    services: TransactionServices,
    transactionalId: string,
    isLogClosed: () => boolean,
  ): Promise<KafkaTransactionalProducer> {
    const { connections, coordinators, transactionTimeoutMs } = services;
    const what = `initialise the transactional id "${transactionalId}"`;
    const { producerId, producerEpoch } = await coordinators.ask(
      connections,
      "transaction",
      transactionalId,
      what,
      (requests) => requests.initProducerId({ transactionalId, transactionTimeout: transactionTimeoutMs }),
    );
    const identity = { producerId: Number(producerId), epoch: producerEpoch };
    return new KafkaTransactionalProducer(
      services,
      { identity, sequences: new Sequences(), transactionalId },
      isLogClosed,
    );
  }

  /** A newer owner in this process: the broker would say so at the next request. */
  fence(): void {
    this.#failure ??= fencedProducer(this.#id);
  }

  begin(): Promise<void> {
    return this.#run("begin", "idle", async () => {
      this.#status = "begun";
      this.#mustAbort = false;
      this.#partitions.clear();
      this.#groups.clear();
    });
  }

  produce(batches: readonly ProduceBatch[]): Promise<readonly number[]> {
    return this.#run("produce", "begun", async () => {
      await checkBatches(this.#services, batches);
      return await this.#within("write in a transaction", async () => {
        await this.#addPartitions(batches);
        return await sendBatches(this.#services, this.#sender, batches);
      });
    });
  }

  sendOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void> {
    return this.#run("send offsets", "begun", async () => {
      if (offsets.length === 0) return;
      await this.#within("send offsets in a transaction", async () => {
        const { connections, coordinators } = this.#services;
        if (!this.#groups.has(groupId)) {
          await coordinators.ask(connections, "transaction", this.#id, "add offsets to a transaction", (requests) =>
            requests.addOffsetsToTxn({ ...this.#arguments, groupId }),
          );
          this.#groups.add(groupId);
        }
        const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({
          partition,
          offset: String(offset),
          metadata,
        }));
        await coordinators.ask(connections, "group", groupId, `send offsets of group "${groupId}"`, (requests) =>
          requests.txnOffsetCommit({ ...this.#arguments, groupId, topics }),
        );
      });
    });
  }

  commit(): Promise<void> {
    return this.#run("commit", "begun", async () => {
      if (this.#mustAbort) throw transactionStatus(this.#id, "commit", "a part of it failed, so it must be aborted");
      await this.#end(true);
    });
  }

  abort(): Promise<void> {
    return this.#run("abort", "begun", () => this.#end(false));
  }

  async close(): Promise<void> {
    this.#status = "closed";
  }

  get #arguments() {
    const { producerId, epoch } = this.#sender.identity;
    return { transactionalId: this.#id, producerId: String(producerId), producerEpoch: epoch };
  }

  async #addPartitions(batches: readonly ProduceBatch[]): Promise<void> {
    const added = [...new Map(batches.map((batch) => [keyOf(batch), batch])).values()].filter(
      (batch) => !this.#partitions.has(keyOf(batch)),
    );
    if (added.length === 0) return;
    const { connections, coordinators } = this.#services;
    const topics = byTopic(added, ({ partition }) => partition);
    const ask = (some: typeof topics, what: string) =>
      coordinators.ask(connections, "transaction", this.#id, what, (requests) =>
        requests.addPartitionsToTxn({ ...this.#arguments, topics: some }),
      );
    try {
      await ask(topics, "add partitions to a transaction");
    } catch (error) {
      if (!REFUSED_TOGETHER.has(brokerCodeOf((error as Error).cause) ?? 0)) throw error;
      // Where one topic is refused the broker attempts none, and the client tells of the first: each alone says what is wrong with it.
      for (const topic of topics) await ask([topic], `write to topic "${topic.topic}" in a transaction`);
    }
    for (const partition of added) this.#partitions.add(keyOf(partition));
  }

  async #end(commits: boolean): Promise<void> {
    this.#status = "idle";
    if (this.#partitions.size === 0 && this.#groups.size === 0) return;
    await this.#decide(commits);
    await this.#complete(commits);
  }

  /** Asking again is harmless: the coordinator answers the same to the same owner, however often. */
  async #decide(commits: boolean): Promise<void> {
    const { connections, coordinators, patience } = this.#services;
    const what = `${commits ? "commit" : "abort"} a transaction of "${this.#id}"`;
    let isAnswerMissing = false;
    try {
      await retrying(patience, what, async () => {
        try {
          await coordinators.askOnce(connections, "transaction", this.#id, (requests) =>
            requests.endTxn({ ...this.#arguments, transactionResult: commits }),
          );
        } catch (error) {
          // While another decision is being written (a new owner's, or that of an attempt whose answer got lost) nothing is decided by this one.
          if (kindOf(error) !== "final" && brokerCodeOf(error) !== code.concurrentTransactions) isAnswerMissing = true;
          throw error;
        }
      });
    } catch (error) {
      const isFenced = isFencedError(error);
      if (!commits || (isFenced && !isAnswerMissing)) throw this.#fail(error);
      throw this.#failIndefinite("commit", error);
    }
  }

  /** What goes wrong here changes nothing of the outcome. */
  async #complete(commits: boolean): Promise<void> {
    const { connections, coordinators, patience } = this.#services;
    const brief = { ...patience, patienceMs: Math.min(patience.patienceMs, COMPLETION_MAX_MS) };
    await retrying(brief, "wait for the end of a transaction", () =>
      coordinators.askOnce(connections, "transaction", this.#id, (requests) =>
        requests.endTxn({ ...this.#arguments, transactionResult: commits }),
      ),
    ).catch(() => undefined);
  }

  /** Work that leaves the transaction fit for nothing but abort when it fails. */
  async #within<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#mustAbort = true;
      if (isFencedError(error)) throw this.#fail(error);
      if (error instanceof MulgilError && error.code !== "LOG_BROKER" && error.code !== "LOG_UNREACHABLE") throw error;
      throw this.#failIndefinite(what, error);
    }
  }

  /** One call at a time; order as called. */
  #run<T>(action: string, needed: "idle" | "begun", work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(async () => {
      if (this.#isLogClosed()) throw closed("log");
      if (this.#status === "closed") throw closed("transactional producer");
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#status !== needed) {
        throw transactionStatus(
          this.#id,
          action,
          needed === "idle" ? "its transaction has begun already" : "no transaction has begun",
        );
      }
      return await work();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #fail(error: unknown): MulgilError {
    if (!isFencedError(error)) return this.#failIndefinite("abort", error);
    this.#failure = new TaskMigratedError(fencedProducer(this.#id).message, { code: "LOG_FENCED", cause: error });
    return this.#failure;
  }

  #failIndefinite(what: string, cause: unknown): MulgilError {
    this.#failure = new IndefiniteTransactionError(
      `transactional id "${this.#id}" could not ${what} (${cause instanceof Error ? cause.message : String(cause)}), so the end of its transaction is unknown; open the producer again, and compare the committed offsets`,
      { cause },
    );
    return this.#failure;
  }
}

/** `retrying` wraps what the broker said. */
const isFencedError = (error: unknown): boolean =>
  FENCED.has(brokerCodeOf(error) ?? brokerCodeOf((error as Error).cause) ?? 0);
