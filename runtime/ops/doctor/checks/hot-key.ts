import type { Facts, JobFacts, ObservedInput } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { count, percent } from "../words.ts";

const SAMPLE_MIN = 20;
const HOT_SHARE = 0.5;
/** Of the lag of a topic, compared with what would be the share of each partition. */
const SKEW = 1.5;

/** Partitions that are behind because one key fills them. */
export function checkHotKeys({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap((job) => {
    const byTopic = Map.groupBy(job.inputs.values(), ({ topic }) => topic);
    return [...byTopic.values()].flatMap((inputs) => hot(job, inputs));
  });
}

function hot({ overview, plan }: JobFacts, inputs: readonly ObservedInput[]): readonly Finding[] {
  const lag = inputs.reduce((sum, input) => sum + input.lag, 0);
  return inputs.flatMap((input): Finding[] => {
    const { topic, partition, head } = input;
    const sample = head?.sample;
    const top = sample?.mostFrequent;
    const role = plan.topics.find((planned) => planned.topic === topic)?.role;
    if (sample === undefined || top === undefined || sample.records < SAMPLE_MIN || role === "retry") return [];
    const share = top.records / sample.records;
    const isSkewed = inputs.length === 1 || (input.lag / lag) * inputs.length >= SKEW;
    if (share < HOT_SHARE || !isSkewed) return [];
    return [
      {
        check: "hot-key",
        severity: "warning",
        what: `one key fills ${topic}/${partition}: key #${top.keyHash} is ${percent(share)} of what waits there for job "${overview.job}"`,
        where: { job: overview.job, topic, partition },
        evidence: [
          `${count(top.records)} of the next ${count(sample.records)} records have it`,
          `the partition has ${percent(input.lag / lag)} of the lag of ${inputs.length} partitions`,
        ],
        ageMs: undefined,
        todo: "more workers do not help: all records of a key go to one task. See whether the key is what it should be (an empty or default value?); aggregate in two steps with a finer key first, or filter what nobody needs",
      },
    ];
  });
}
