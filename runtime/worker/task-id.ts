/** A task's id: `<sub-topology>_<partition>`. In directories and transactional ids. */
export const taskId = (subTopology: string, partition: number): string => `${subTopology}_${partition}`;

/** Neither a job's name nor a task's id holds a slash: two jobs never share a transactional id. */
export const transactionalId = (job: string, task: string): string => `${job}/${task}`;
