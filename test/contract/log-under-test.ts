import { randomUUID } from "node:crypto";
import type {
  Assignor,
  CleanupPolicy,
  FetchedBatch,
  FetchedRecord,
  GroupConsumer,
  GroupListener,
  Isolation,
  Log,
  LogAccess,
  MemberAssignment,
  ProduceBatch,
  ProducerRecord,
  TopicPartition,
} from "../../runtime/log/port.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** What an implementation gives to the contract suite; `L` is the part of the port that it has. */
export interface LogUnderTest<L extends LogAccess = Log> {
  readonly log: L;
  /** Another client of the same log. */
  secondLog(): Promise<L>;
  now(): number;
  /** Lets the time pass that its time-outs go by. */
  advance(ms: number): Promise<void>;
  /** What one poll may wait where the test only looks whether there is something. 0 where nothing is on its way. */
  readonly pollWaitMs: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  cleanup(): Promise<void>;
}

export type LogFactory<L extends LogAccess = Log> = () => Promise<LogUnderTest<L>>;

/** Polls that may find nothing before a test gives up. */
const EMPTY_POLLS_MAX = 20;

/** A topic of one test. */
export async function newTopic(log: LogAccess, partitions = 1, cleanupPolicy: CleanupPolicy = "delete") {
  const topic = `contract-${randomUUID()}`;
  await log.ensureTopics([{ topic, partitions, config: { cleanupPolicy, retentionMs: -1, deleteRetentionMs: 1000 } }]);
  return topic;
}

export const bytes = (text: string): Buffer => Buffer.from(text);

export const record = (value: string, timestampMs = 0, key: string | null = null): ProducerRecord => ({
  key: key === null ? null : bytes(key),
  value: bytes(value),
  timestampMs,
});

export const batch = (topic: string, partition: number, ...values: readonly string[]): ProduceBatch => ({
  topic,
  partition,
  records: values.map((value) => record(value)),
});

export const textOf = ({ value }: FetchedRecord): string | undefined => value?.toString();

export const texts = (batches: readonly FetchedBatch[]): (string | undefined)[] =>
  batches.flatMap(({ records }) => records.map(textOf));

export const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

/** Everything from a position up to the end as the isolation shows it. */
export async function readAll(
  { log, pollWaitMs }: Pick<LogUnderTest<LogAccess>, "log" | "pollWaitMs">,
  { topic, partition }: TopicPartition,
  isolation: Isolation = "read_committed",
  from?: number,
): Promise<{ readonly records: readonly FetchedRecord[]; readonly nextOffset: number }> {
  const [start] = await log.listOffsets([{ topic, partition }], "earliest", isolation);
  const [end] = await log.listOffsets([{ topic, partition }], "latest", isolation);
  const reader = await log.openReader({ isolation });
  const records: FetchedRecord[] = [];
  let nextOffset = from ?? start!.offset;
  reader.assign([{ topic, partition, offset: nextOffset }]);
  for (let empty = 0; nextOffset < end!.offset && empty < EMPTY_POLLS_MAX; empty++) {
    for (const fetched of await reader.poll(pollWaitMs)) {
      records.push(...fetched.records);
      nextOffset = fetched.nextOffset;
      empty = 0;
    }
  }
  await reader.close();
  return { records, nextOffset };
}

export async function committedTexts(subject: LogUnderTest<LogAccess>, where: TopicPartition) {
  return (await readAll(subject, where)).records.map(textOf);
}

/** The code of the error that a call throws. */
export async function codeOf(call: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    return error instanceof MulgilError ? error.code : `${error}`;
  }
  return "no error";
}

/** Deals the partitions of all topics to the members in turn. */
export const roundRobin: Assignor = {
  name: "round-robin",
  assign(members, partitionCounts) {
    const all = [...partitionCounts].flatMap(([topic, count]) => partitionsOf(topic, count));
    const sorted = members.map(({ memberId }) => memberId).sort();
    return new Map(
      sorted.map((memberId, i) => [
        memberId,
        { partitions: all.filter((_, j) => j % sorted.length === i), userData: bytes(`share ${i}`) },
      ]),
    );
  },
};

/** A group member that writes down what it is told, and reads on from the committed offsets. */
export class TestMember implements GroupListener {
  readonly events: string[] = [];
  readonly records: FetchedRecord[] = [];
  assigned: readonly TopicPartition[] = [];
  userDataText = "";
  /** What the assignor said besides. */
  told = "";
  /** Runs inside onRebalance. */
  beforeRejoin: () => Promise<void> = async () => {};
  consumer!: GroupConsumer;
  readonly #log: Log;
  readonly #groupId: string;

  constructor(log: Log, groupId: string) {
    this.#log = log;
    this.#groupId = groupId;
  }

  static async join(
    subject: LogUnderTest,
    groupId: string,
    topics: readonly string[],
    { log = subject.log, assignor = roundRobin }: { readonly log?: Log; readonly assignor?: Assignor } = {},
  ): Promise<TestMember> {
    const member = new TestMember(log, groupId);
    const { sessionTimeoutMs, rebalanceTimeoutMs } = subject;
    member.consumer = await log.joinGroup({
      ...{ groupId, clientId: "tester", topics, assignor, listener: member, sessionTimeoutMs, rebalanceTimeoutMs },
    });
    return member;
  }

  userData(): Uint8Array {
    return bytes(this.userDataText);
  }

  async onRebalance(): Promise<void> {
    this.events.push("rebalance");
    await this.beforeRejoin();
  }

  async onAssigned({ partitions, userData }: MemberAssignment, generation: number): Promise<void> {
    this.told = Buffer.from(userData).toString();
    this.events.push(`assigned ${partitions.map(({ partition }) => partition).join(",")}`);
    this.assigned = partitions;
    if (generation !== this.consumer.generation) this.events.push("wrong generation");
    const committed = await this.#log.committedOffsets(this.#groupId, partitions);
    const start = await this.#log.listOffsets(partitions, "earliest", "read_committed");
    const at = (where: TopicPartition) => (o: TopicPartition) =>
      o.topic === where.topic && o.partition === where.partition;
    this.consumer.seek(start.map((position) => committed.find(at(position)) ?? position));
  }

  onLost(): void {
    this.events.push("lost");
    this.assigned = [];
  }

  async poll(waitMs: number): Promise<void> {
    for (const { records } of await this.consumer.poll(waitMs)) this.records.push(...records);
  }

  get texts(): (string | undefined)[] {
    return this.records.map(textOf);
  }
}

/** Polls all members in turns until the condition holds. */
export async function pollUntil(
  { pollWaitMs }: LogUnderTest,
  members: readonly TestMember[],
  condition: () => boolean,
): Promise<void> {
  for (let turn = 0; turn < EMPTY_POLLS_MAX && !condition(); turn++) {
    await Promise.all(members.map((member) => member.poll(pollWaitMs)));
  }
  if (!condition()) throw new Error(`the members never got there: ${JSON.stringify(members.map((m) => m.events))}`);
}
