import type { LogAccess, PartitionOffset, TopicPartition } from "../../../runtime/log/port.ts";
import type { Plan } from "../../../runtime/plan/plan.ts";

/** How far a job with calls is, and what lies in its topics, as offsets say it. */
export class CallsOffsets {
  readonly #log: LogAccess;
  readonly #plan: Plan;
  readonly #inputs: readonly TopicPartition[];
  readonly #tiers: readonly TopicPartition[];

  /** All inputs of the job have as many partitions. */
  constructor(log: LogAccess, plan: Plan, partitions: number) {
    const partitionsOf = (topics: readonly string[]) =>
      topics.flatMap((topic) => Array.from({ length: partitions }, (_, partition) => ({ topic, partition })));
    this.#log = log;
    this.#plan = plan;
    this.#inputs = partitionsOf(plan.subTopologies.flatMap(({ sources }) => sources));
    this.#tiers = partitionsOf(plan.subTopologies.flatMap(({ call }) => call?.tiers.map(({ topic }) => topic) ?? []));
  }

  /** Records between the job's committed offsets and the ends of its inputs, tiers among them. */
  async lag(): Promise<number> {
    const committed = await this.#log.committedOffsets(this.#plan.job, this.#inputs);
    return totalOf(await this.#log.listOffsets(this.#inputs, "latest", "read_uncommitted")) - totalOf(committed);
  }

  /** Where the partitions of the retry tiers end: records and markers that were ever there. */
  async writtenToTiers(): Promise<number> {
    return totalOf(await this.#log.listOffsets(this.#tiers, "latest", "read_committed"));
  }

  /** Of these, what is there now. */
  async keptInTiers(): Promise<number> {
    const starts = await this.#log.listOffsets(this.#tiers, "earliest", "read_committed");
    return (await this.writtenToTiers()) - totalOf(starts);
  }

  async deadLetters(): Promise<number> {
    const { dlqTopic } = this.#plan;
    const { partitions } = (await this.#log.describeTopics()).find(({ topic }) => topic === dlqTopic)!;
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic: dlqTopic, partition }));
    return totalOf(await this.#log.listOffsets(all, "latest", "read_uncommitted"));
  }
}

const totalOf = (offsets: readonly PartitionOffset[]): number => offsets.reduce((sum, { offset }) => sum + offset, 0);
