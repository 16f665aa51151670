/** A task's id: `<sub-topology>_<partition>`. In directories and transactional ids. */
export const taskId = (subTopology: string, partition: number): string => `${subTopology}_${partition}`;
