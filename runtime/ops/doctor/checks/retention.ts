import { trendOf } from "../../lag/lag-window.ts";
import type { Facts, ObservedInput } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, count } from "../words.ts";

/** When so much of its time is over, what is read next is not far from being removed. */
const CLOSE_SHARE = 0.75;
const DUE_SHARE = 0.9;

/** Topics that remove records before a job has read them, or soon will. */
export function checkRetention(facts: Facts): readonly Finding[] {
  return facts.jobs.flatMap(({ overview, inputs }) =>
    [...inputs.values()].flatMap((input) => {
      const found = lost(input) ?? threatened(input, facts);
      const { topic, partition } = input;
      return found === undefined ? [] : [{ ...found, where: { job: overview.job, topic, partition } }];
    }),
  );
}

function lost({ topic, partition, position, startOffset }: ObservedInput): Omit<Finding, "where"> | undefined {
  if (startOffset <= position) return undefined;
  return {
    check: "retention",
    severity: "error",
    what: `${topic}/${partition} begins behind the job's position: ${count(startOffset - position)} offsets were removed before it read them`,
    evidence: [`position ${position}, first offset ${startOffset}`],
    ageMs: undefined,
    todo: "lengthen retention.ms; the job goes on as its source's onGap says, or give it a position (mulgil reset)",
  };
}

function threatened(input: ObservedInput, { topics, nowMs }: Facts): Omit<Finding, "where"> | undefined {
  const { topic, partition, head, position, looks } = input;
  const config = topics.get(topic)?.config;
  if (head === undefined || config === undefined || config.retentionMs <= 0 || config.cleanupPolicy === "compact")
    return undefined;
  const { retentionMs } = config;
  const ageMs = nowMs - head.timestampMs;
  const leftMs = retentionMs - ageMs;
  const catchUpMs = trendOf(looks)?.catchUpMs;
  const isDue = ageMs >= DUE_SHARE * retentionMs || (catchUpMs !== undefined && catchUpMs > Math.max(0, leftMs));
  if (!isDue && ageMs < CLOSE_SHARE * retentionMs) return undefined;
  return {
    check: "retention",
    severity: isDue ? "error" : "warning",
    what:
      leftMs <= 0
        ? `retention has passed the job's position in ${topic}/${partition}: its records go with the next clean-up`
        : `retention is about to pass the job's position in ${topic}/${partition}: its records go in ${age(leftMs)}`,
    evidence: [
      `the topic keeps records for ${age(retentionMs)}, the one at offset ${position} is ${age(ageMs)} old`,
      ...(catchUpMs === undefined || catchUpMs === 0 ? [] : [`at its rate the job is there in ${age(catchUpMs)}`]),
    ],
    ageMs,
    todo: `lengthen retention.ms of "${topic}" now (kafka-configs --alter), then see why the job is behind`,
  };
}
