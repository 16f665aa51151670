/** The names of the topics that a job makes for itself. */
export const changelogTopic = (job: string, store: string): string => `${job}.${store}${CHANGELOG}`;
const CHANGELOG = ".changelog";

/** Its values are state, and no Avro of a schema that a registry knows. */
export const isChangelogTopic = (topic: string): boolean => topic.endsWith(CHANGELOG);

export const dlqTopicOf = (job: string): string => `${job}${DLQ}`;
const DLQ = ".dlq";

/** The job whose DLQ has this name; undefined if none can have. */
export const jobOfDlqTopic = (topic: string): string | undefined =>
  topic.endsWith(DLQ) && topic.length > DLQ.length ? topic.slice(0, -DLQ.length) : undefined;

/** Which dead letters of a job have been dealt with; compacted, one partition. Exists when the first one has been. */
export const dlqMarksTopicOf = (job: string): string => `${dlqTopicOf(job)}.redriven`;

/** A tier is called after its delay, so that changing the delays leaves no record under a wrong one. */
export const retryTopic = (job: string, step: string, delay: string): string =>
  `${job}.${step}.retry.${delay.replaceAll(/[^a-zA-Z0-9]+/g, "")}`;

/** What the workers of a job know of the institutions that it calls, and orders by hand about these; compacted, one partition. */
export const circuitsTopicOf = (job: string): string => `${job}${CIRCUITS}`;
const CIRCUITS = ".circuits";

/** The job whose topic of circuits has this name; undefined if none can have. */
export const jobOfCircuitsTopic = (topic: string): string | undefined =>
  topic.endsWith(CIRCUITS) && topic.length > CIRCUITS.length ? topic.slice(0, -CIRCUITS.length) : undefined;

/** Records that the job shall process once more, or at last: as if they came from `topic`, but seen by this job alone. */
export const replayTopicOf = (job: string, topic: string): string => `${job}.${topic}.replay`;
