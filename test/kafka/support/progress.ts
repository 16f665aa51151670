import { expect } from "vitest";
import type { TopicPartition } from "../../../runtime/log/port.ts";
import { PARTITIONS } from "./payments-topics.ts";
import type { Proof } from "./proof.ts";

const PROGRESS_MAX_MS = 120_000;

/** Resolves when all of the job's inputs have been committed anew, whoever reads them. Needs a load on each. */
export async function untilAllIsCommittedAnew(proof: Proof): Promise<void> {
  const sinceMs = Date.now();
  const inputs = [proof.source, proof.repartition].flatMap((topic) =>
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
  );
  await expect
    .poll(() => inputs.filter((input) => !isCommitted(proof, input, sinceMs)), { timeout: PROGRESS_MAX_MS })
    .toEqual([]);
}

const isCommitted = ({ workers }: Proof, { topic, partition }: TopicPartition, sinceMs: number): boolean =>
  workers.some((worker) =>
    worker
      .told("committed")
      .some(
        ({ atMs, offsets }) =>
          atMs > sinceMs && offsets.some((offset) => offset.topic === topic && offset.partition === partition),
      ),
  );
