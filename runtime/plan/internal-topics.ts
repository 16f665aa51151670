/** The names of the topics that a job makes for itself. */
export const changelogTopic = (job: string, store: string): string => `${job}.${store}.changelog`;

export const dlqTopicOf = (job: string): string => `${job}.dlq`;

/** What the workers of a job know of the institutions that it calls, and orders by hand about these; compacted, one partition. */
export const circuitsTopicOf = (job: string): string => `${job}.circuits`;
