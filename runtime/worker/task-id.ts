/** A task's id: `<sub-topology>_<partition>`. In directories and transactional ids. */
export const taskId = (subTopology: string, partition: number): string => `${subTopology}_${partition}`;

/** The parts of a task's id. */
export function parseTaskId(task: string): { readonly subTopology: string; readonly partition: number } {
  const at = task.lastIndexOf("_");
  return { subTopology: task.slice(0, at), partition: Number(task.slice(at + 1)) };
}

/** Neither a job's name nor a task's id holds a slash: two jobs never share a transactional id. */
export const transactionalId = (job: string, task: string): string => `${job}/${task}`;
