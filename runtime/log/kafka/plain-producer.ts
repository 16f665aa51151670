import type { ProduceBatch } from "../port.ts";
import { checkBatches, type Sender, type SenderServices, sendBatches } from "./batch-sender.ts";
import { brokerCodeOf, code } from "./broker-errors.ts";
import { keyOf } from "./grouping.ts";
import { retrying } from "./retry.ts";
import { Sequences } from "./sequences.ts";

/** The broker has forgotten the producer, or counts differently: it must begin with a new identity. */
const LOST_IDENTITY = new Set<number>([
  code.outOfOrderSequence,
  code.unknownProducerId,
  code.invalidProducerEpoch,
  code.producerFenced,
  code.invalidProducerIdMapping,
]);

/** Writes outside transactions: idempotent, calls for the same partition one after the other, others beside each other. */
export class PlainProducer {
  readonly #services: SenderServices;
  readonly #tails = new Map<string, Promise<unknown>>();
  #sender: Promise<Sender> | undefined;

  constructor(services: SenderServices) {
    this.#services = services;
  }

  async produce(batches: readonly ProduceBatch[]): Promise<readonly number[]> {
    const keys = [...new Set(batches.map(keyOf))];
    const sent = Promise.all(keys.map((key) => this.#tails.get(key))).then(async () => {
      await checkBatches(this.#services, batches);
      return await this.#send(batches);
    });
    const settled = sent.then(
      () => undefined,
      () => undefined,
    );
    for (const key of keys) this.#tails.set(key, settled);
    try {
      return await sent;
    } finally {
      for (const key of keys) if (this.#tails.get(key) === settled) this.#tails.delete(key);
    }
  }

  async #send(batches: readonly ProduceBatch[]): Promise<readonly number[]> {
    for (let attempts = 1; ; attempts++) {
      this.#sender ??= this.#open();
      const opening = this.#sender;
      try {
        return await sendBatches(this.#services, await opening, batches);
      } catch (error) {
        // After a failure nobody knows what the broker counts.
        if (this.#sender === opening) this.#sender = undefined;
        if (attempts > 1 || !LOST_IDENTITY.has(brokerCodeOf((error as Error).cause) ?? 0)) throw error;
      }
    }
  }

  async #open(): Promise<Sender> {
    const { connections, patience } = this.#services;
    const { producerId, producerEpoch } = await retrying(patience, "get a producer id", () =>
      connections.any((requests) => requests.initProducerId({ transactionalId: null, transactionTimeout: 0 })),
    );
    return {
      identity: { producerId: Number(producerId), epoch: producerEpoch },
      sequences: new Sequences(),
      transactionalId: null,
    };
  }
}
