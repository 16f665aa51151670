import kafkajs, { type EachBatchPayload, type Message, type Producer } from "kafkajs";
import { type BoundSettings, Due, type OutputLoad, type Progress } from "./bound.ts";
import { PARTITIONS } from "./payments-job.ts";
import type { Cost } from "./stopwatch.ts";

const { Kafka, logLevel, Partitioners } = kafkajs;

/** More or fewer are slower: kafkajs groups the records of a call in quadratic time, and sends one request a call. */
const SEND_RECORDS = 1_000;
const UNDER_WAY_MAX = 4;

/** Reads with eachBatch, as a user would write it, and sends what is due in calls of 1,000 records. */
export async function runKafkajsBound(settings: BoundSettings, progress: Progress): Promise<Cost> {
  const client = new Kafka({ clientId: "bound", brokers: [settings.bootstrap], logLevel: logLevel.ERROR });
  const consumer = client.consumer({ groupId: settings.groupId, maxWaitTimeInMs: 500 });
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const sender = new Sender(producer, settings);
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topics: [settings.source], fromBeginning: true });
  const cost = await new Promise<Cost>((resolve, reject) => {
    const eachBatch = async ({ batch }: EachBatchPayload) => {
      let bytes = 0;
      for (const { key, value } of batch.messages) bytes += key!.length + value!.length;
      if (bytes === 0) throw new Error("the source holds nothing");
      progress.add(batch.messages.length);
      await sender.send(progress);
      if (progress.isComplete) sender.finish().then(() => resolve(progress.cost()), reject);
    };
    consumer.run({ autoCommitInterval: 1_000, eachBatch }).catch(reject);
  });
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  return cost;
}

/** A few calls under way at once, to the partitions in turn. */
class Sender {
  readonly #producer: Producer;
  readonly #dues: readonly Due[];
  readonly #underWay = new Set<Promise<unknown>>();
  #partition = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(producer: Producer, { outputs, records }: BoundSettings) {
    this.#producer = producer;
    this.#dues = outputs.map((output) => new Due(output, records));
  }

  async send({ read, isComplete }: Progress): Promise<void> {
    for (const due of this.#dues) {
      while (due.waiting(read) >= (isComplete ? 1 : SEND_RECORDS)) {
        const records = Math.min(due.waiting(read), SEND_RECORDS);
        due.give(records);
        this.#start(due.output, records);
        if (this.#underWay.size >= UNDER_WAY_MAX) await Promise.race(this.#underWay);
        this.#throwIfFailed();
      }
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#throwIfFailed();
  }

  #start({ topic, load }: OutputLoad, records: number): void {
    const partition = this.#partition++ % PARTITIONS;
    const message: Message = { key: Buffer.alloc(load.keyBytes), value: Buffer.alloc(load.valueBytes), partition };
    const messages = new Array<Message>(records).fill(message);
    const sent = this.#producer
      .send({ topic, messages, acks: -1 })
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
