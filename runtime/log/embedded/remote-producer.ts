import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { IndefiniteTransactionError } from "../log-errors.ts";
import type { CommittedOffset, ProduceBatch, TransactionalProducer } from "../port.ts";
import type { RemoteConnection } from "./remote-connection.ts";

/** A transactional producer that lives in the owner of a data directory. */
export class RemoteProducer implements TransactionalProducer {
  readonly #connection: RemoteConnection;
  readonly #number: number;
  readonly #id: string;

  constructor(connection: RemoteConnection, number: number, transactionalId: string) {
    this.#connection = connection;
    this.#number = number;
    this.#id = transactionalId;
  }

  begin(): Promise<void> {
    return this.#connection.call("producerBegin", this.#number);
  }

  produce(batches: readonly ProduceBatch[]): Promise<readonly number[]> {
    return this.#connection.call("producerProduce", this.#number, batches);
  }

  sendOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void> {
    return this.#connection.call("producerSendOffsets", this.#number, groupId, offsets);
  }

  commit(): Promise<void> {
    return this.#end("commit", this.#connection.call("producerCommit", this.#number));
  }

  abort(): Promise<void> {
    return this.#end("abort", this.#connection.call("producerAbort", this.#number));
  }

  async close(): Promise<void> {
    // The owner closes the producers of a connection that is gone.
    await this.#connection.call("producerClose", this.#number).catch(() => undefined);
  }

  async #end(what: string, ended: Promise<void>): Promise<void> {
    try {
      await ended;
    } catch (cause) {
      if (!(cause instanceof MulgilError) || cause.code !== "LOG_CONNECTION_LOST") throw cause;
      throw new IndefiniteTransactionError(
        `transactional id "${this.#id}" could not ${what} (${cause.message}), so the end of its transaction is unknown; open the producer again, and compare the committed offsets`,
        { cause },
      );
    }
  }
}
