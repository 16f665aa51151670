/** The names of the topics that a job makes for itself. */
export const changelogTopic = (job: string, store: string): string => `${job}.${store}.changelog`;

export const dlqTopicOf = (job: string): string => `${job}.dlq`;

/** A tier is called after its delay, so that changing the delays leaves no record under a wrong one. */
export const retryTopic = (job: string, step: string, delay: string): string =>
  `${job}.${step}.retry.${delay.replaceAll(/[^a-zA-Z0-9]+/g, "")}`;

export const circuitsTopicOf = (job: string): string => `${job}.circuits`;
