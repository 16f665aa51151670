import { expect } from "vitest";
import type { TopicPartition } from "../../../runtime/log/port.ts";
import { PARTITIONS } from "./payments-topics.ts";
import type { Proof } from "./proof.ts";

const PROGRESS_MAX_MS = 120_000;

/** Resolves when records of all of the job's inputs have been committed anew, whoever reads them. Needs a load on each. */
export async function untilAllIsCommittedAnew(proof: Proof): Promise<void> {
  const inputs = [proof.source, proof.repartition].flatMap((topic) =>
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
  );
  const before = inputs.map((input) => committedOffset(proof, input));
  await expect
    .poll(() => inputs.filter((input, index) => committedOffset(proof, input) <= before[index]!), {
      timeout: PROGRESS_MAX_MS,
    })
    .toEqual([]);
}

/** The furthest that any worker has told; the first commit of a task that has read nothing yet is one of offset 0. */
function committedOffset({ workers }: Proof, { topic, partition }: TopicPartition): number {
  const told = workers.flatMap((worker) => worker.told("committed").flatMap(({ offsets }) => offsets));
  return told.reduce(
    (furthest, each) =>
      each.topic === topic && each.partition === partition ? Math.max(furthest, each.offset) : furthest,
    0,
  );
}
