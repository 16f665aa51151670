import { IndefiniteTransactionError } from "../../log/log-errors.ts";
import type {
  GroupConsumer,
  GroupOptions,
  Log,
  LogReader,
  ProduceBatch,
  TransactionalProducer,
} from "../../log/port.ts";

/** Where a simulated call waits, and what may go wrong with it. */
export interface Steps {
  /** Waits to be let through. */
  gate(step: string): Promise<void>;
  /** The order in which the batches of a call outside of transactions reach their partitions: brokers give none. */
  shuffle<T>(items: readonly T[]): readonly T[];
  /** Whether the answer to the end of a transaction gets lost; "before": also the request did. */
  loseAnswer(): "before" | "after" | undefined;
}

/** A log as one worker sees it: every call can be the last one, before or after it had its effect. */
export function simulatedLog(log: Log, steps: Steps): Log {
  const call = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    await steps.gate(step);
    const result = await work();
    await steps.gate(`${step} done`);
    return result;
  };
  return {
    ensureTopics: (specs) => log.ensureTopics(specs),
    describeTopics: () => log.describeTopics(),
    countPartitions: (topics) => log.countPartitions(topics),
    deleteTopic: (topic) => log.deleteTopic(topic),
    async produce(batches) {
      const firstOffsets = new Map<ProduceBatch, number>();
      for (const batch of steps.shuffle(batches))
        firstOffsets.set(batch, (await call("produce", () => log.produce([batch])))[0]!);
      return batches.map((batch) => firstOffsets.get(batch)!);
    },
    listOffsets: (...args) => call("listOffsets", () => log.listOffsets(...args)),
    deleteRecords: (before) => call("deleteRecords", () => log.deleteRecords(before)),
    committedOffsets: (...args) => call("committedOffsets", () => log.committedOffsets(...args)),
    describeGroup: (groupId) => log.describeGroup(groupId),
    deleteGroup: (groupId) => log.deleteGroup(groupId),
    openTransactions: (partitions) => log.openTransactions(partitions),
    openReader: async (options) => simulatedReader(await call("openReader", () => log.openReader(options)), call),
    openTransactionalProducer: async (id) =>
      simulatedProducer(await call("initTransactions", () => log.openTransactionalProducer(id)), call, steps),
    removeMember: (groupId, memberId) => log.removeMember(groupId, memberId),
    joinGroup: async (options) => simulatedConsumer(await log.joinGroup(simulatedListener(options, steps)), call),
    close: () => log.close(),
  };
}

type Call = <T>(step: string, work: () => Promise<T>) => Promise<T>;

function simulatedReader(reader: LogReader, call: Call): LogReader {
  return {
    assign: (positions) => reader.assign(positions),
    unassign: (partitions) => reader.unassign(partitions),
    poll: (waitMaxMs) => call("restore", () => reader.poll(waitMaxMs)),
    close: () => reader.close(),
  };
}

function simulatedProducer(producer: TransactionalProducer, call: Call, steps: Steps): TransactionalProducer {
  return {
    begin: () => call("begin", () => producer.begin()),
    produce: (batches) => call("produce in transaction", () => producer.produce(batches)),
    sendOffsets: (...args) => call("sendOffsets", () => producer.sendOffsets(...args)),
    commit: () =>
      call("commitTransaction", async () => {
        const lost = steps.loseAnswer();
        if (lost !== "before") await producer.commit();
        if (lost !== undefined)
          throw new IndefiniteTransactionError("simulated: the answer to the end of a transaction was lost");
      }),
    abort: () => call("abort", () => producer.abort()),
    close: () => producer.close(),
  };
}

/** The callbacks of a worker run inside poll: a dead one must never come back from them. */
function simulatedListener(options: GroupOptions, steps: Steps): GroupOptions {
  const { listener } = options;
  return {
    ...options,
    listener: {
      userData: () => listener.userData(),
      async onRebalance() {
        await steps.gate("onRebalance");
        await listener.onRebalance();
      },
      async onAssigned(assignment, generation) {
        await steps.gate("onAssigned");
        await listener.onAssigned(assignment, generation);
      },
      onLost: () => listener.onLost(),
    },
  };
}

function simulatedConsumer(consumer: GroupConsumer, call: Call): GroupConsumer {
  return {
    get memberId() {
      return consumer.memberId;
    },
    get generation() {
      return consumer.generation;
    },
    poll: (waitMaxMs) => call("poll", () => consumer.poll(waitMaxMs)),
    heartbeat: () => consumer.heartbeat(),
    seek: (positions) => consumer.seek(positions),
    pause: (partitions) => consumer.pause(partitions),
    resume: (partitions) => consumer.resume(partitions),
    requestRebalance: () => consumer.requestRebalance(),
    commit: (offsets) => call("commitOffsets", () => consumer.commit(offsets)),
    close: () => call("leave", () => consumer.close()),
  };
}
