import type { LogAccess, PartitionOffset, TopicDescription } from "../../runtime/log/port.ts";
import { dlqTopicOf, jobOfDlqTopic } from "../../runtime/plan/internal-topics.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** The DLQ of a job, as it was when somebody looked. */
export interface Dlq {
  readonly job: string;
  readonly topic: TopicDescription;
  /** By partition; what comes later is not looked at. */
  readonly starts: readonly PartitionOffset[];
  readonly ends: readonly PartitionOffset[];
}

/** The DLQs of the named jobs, or of all jobs that ever ran. @throws {MulgilError} DLQ_UNKNOWN */
export async function openDlqs(log: LogAccess, names: readonly string[]): Promise<readonly Dlq[]> {
  const plans = await readPlans(log);
  const topics = await log.describeTopics();
  const found = topics.filter(({ topic }) => plans.has(jobOfDlqTopic(topic) ?? ""));
  const jobs = names.length === 0 ? found.map(({ topic }) => jobOfDlqTopic(topic)!).sort() : names;
  return Promise.all(
    jobs.map((job) => {
      const topic = topics.find((each) => each.topic === dlqTopicOf(job));
      if (topic === undefined) throw unknownJob(job, found);
      return openDlq(log, job, topic);
    }),
  );
}

export async function oneDlq(log: LogAccess, job: string): Promise<Dlq> {
  return (await openDlqs(log, [job]))[0]!;
}

async function openDlq(log: LogAccess, job: string, topic: TopicDescription): Promise<Dlq> {
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.topic, partition }));
  const [starts, ends] = await Promise.all(
    (["earliest", "latest"] as const).map((spec) => log.listOffsets(partitions, spec, "read_committed")),
  );
  return { job, topic, starts: starts!, ends: ends! };
}

function unknownJob(job: string, found: readonly TopicDescription[]): MulgilError {
  const known = found.map(({ topic }) => jobOfDlqTopic(topic)).sort();
  return new MulgilError(
    `there is no DLQ of a job "${job}": there is ${known.length === 0 ? "none" : `one of ${known.join(", ")}`}`,
    { code: "DLQ_UNKNOWN" },
  );
}
