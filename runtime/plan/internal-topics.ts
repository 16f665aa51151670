/** The names of the topics that a job makes for itself. */
export const changelogTopic = (job: string, store: string): string => `${job}.${store}.changelog`;

export const dlqTopicOf = (job: string): string => `${job}.dlq`;
