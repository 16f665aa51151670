import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { Job } from "../../dsl/define-job.ts";
import type { TopicDefinition, TopicKey, TopicValue } from "../../dsl/topic.ts";
import { partitionOf } from "../../log/partitioner.ts";
import { readPartition } from "../../log/read-partition.ts";
import { TopicCodec } from "../topic-codec.ts";
import { live } from "./live.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** What arrives on one topic while a simulated cluster lives. */
export interface SimulatedInput {
  readonly topic: TopicDefinition;
  readonly values: readonly unknown[];
  /** @default 2 */
  readonly partitions?: number;
}

export interface SimulatedOutput<K, V> {
  readonly key: K;
  readonly value: V;
  readonly partition: number;
  readonly offset: number;
}

/** What is visible when all has been processed. */
export interface SimulatedOutputs {
  read<T extends TopicDefinition>(topic: T): Promise<readonly SimulatedOutput<TopicKey<T>, TopicValue<T>>[]>;
}

export interface SimulateOptions {
  /** The same seed, job and inputs give the same run. */
  readonly seed: number;
  readonly inputs: readonly SimulatedInput[];
  /** Throws if the results are wrong. */
  readonly check: (outputs: SimulatedOutputs) => Promise<void>;
}

interface Arrival {
  readonly input: SimulatedInput;
  readonly value: unknown;
}

/**
 * Runs a job on a group of workers in memory, under a clock that only the simulator moves, while the inputs arrive. The seed decides who goes on: workers are killed,
 * stalled beyond their session, fenced, stopped and started at every step of commit and restore, disks lose what they had not flushed, and answers to
 * transactions get lost. Then all is left in peace until idle, `check` looks at the results, and the stores are compared with their changelogs. Run it for
 * hundreds of seeds: a run takes some tens of ms.
 * @throws what `check` throws, or the broken invariant, with the seed and the last steps in the message
 * @example
 * for (let seed = 0; seed < 200; seed++) {
 *   await simulateJob(job, {
 *     seed,
 *     inputs: [{ topic: payments, values }],
 *     check: async (outputs) => expect((await outputs.read(receipts)).length).toBe(values.length),
 *   });
 * }
 */
export async function simulateJob(job: Job, { seed, inputs, check }: SimulateOptions): Promise<void> {
  const partitionsOf = ({ partitions }: SimulatedInput) => partitions ?? 2;
  await live(
    { seed, rerun: `simulateJob(job, { seed: ${seed}, … })` },
    {
      job,
      sent: inputs.flatMap((input) => input.values.map((value): Arrival => ({ input, value }))),
      sentLast: [],
      mayPause: job.delivery === "exactly-once",
      mayDamage: true,
      settleMs: 0,
      async createSources(log) {
        const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
        await log.ensureTopics(
          inputs.map((input) => ({ topic: input.topic.name, partitions: partitionsOf(input), config })),
        );
      },
      async produce(log, registry, some) {
        for (const { input, value } of some) {
          const codec = await TopicCodec.open(input.topic, registry);
          const record = codec.encode(value, { timestampMs: 0 });
          const partition = record.key === null ? 0 : partitionOf(record.key, partitionsOf(input));
          await log.produce([{ topic: input.topic.name, partition, records: [record] }]);
        }
      },
      checkMeanwhile: async () => undefined,
      checkResults: (cluster) => check(outputsOf(cluster)),
    },
  );
}

function outputsOf(cluster: SimulatedCluster): SimulatedOutputs {
  return {
    async read<T extends TopicDefinition>(topic: T) {
      const found = (await cluster.log.describeTopics()).find((description) => description.topic === topic.name);
      if (found === undefined) throw new MulgilError(`the job does not write "${topic.name}"`, { code: "TEST_TOPIC" });
      const codec = await TopicCodec.open(topic, cluster.registry);
      const outputs: SimulatedOutput<TopicKey<T>, TopicValue<T>>[] = [];
      for (let partition = 0; partition < found.partitions; partition++) {
        for (const record of await readPartition(cluster.log, { topic: topic.name, partition })) {
          const { key, value } = await codec.decode(record);
          outputs.push({ key: key as TopicKey<T>, value: value as TopicValue<T>, partition, offset: record.offset });
        }
      }
      return outputs;
    },
  };
}
