import type { WorkerProcess } from "./worker-process.ts";

/**
 * The longest time between two commits of one task, in ms: of a task that the same worker had before and after, and of one that had moved. Means
 * something while all inputs have a load, and says no less than the time from commit to commit.
 */
export function longestPauses(workers: readonly WorkerProcess[]): {
  readonly stayedMs: number;
  readonly movedMs: number;
} {
  const commits = workers.flatMap((worker) =>
    worker.told("committed").map(({ offsets, atMs }) => ({ worker, atMs, task: JSON.stringify(offsets.map(placeOf)) })),
  );
  const longest = { stayedMs: 0, movedMs: 0 };
  for (const own of Map.groupBy(commits, ({ task }) => task).values()) {
    own.sort((left, right) => left.atMs - right.atMs);
    for (const [index, { worker, atMs }] of own.entries()) {
      const before = own[index - 1];
      if (before === undefined) continue;
      const kind = before.worker === worker ? "stayedMs" : "movedMs";
      longest[kind] = Math.max(longest[kind], atMs - before.atMs);
    }
  }
  return longest;
}

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
  `${topic}/${partition}`;
