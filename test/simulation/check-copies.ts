import type { TopicDefinition } from "mulgil";
import type { SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { fail, readTopic } from "./read-topic.ts";

interface Copied {
  readonly cluster: SimulatedCluster;
  readonly source: TopicDefinition;
  readonly copies: TopicDefinition;
  readonly partitions: number;
  /** Under at-least-once a copy may come before its offset is committed, and again. */
  readonly mayRepeat: boolean;
}

/** At any moment: what is visible is what the committed offsets cover. Nothing lost, nothing twice, no commit past an unfinished record. */
export async function checkCopies({ cluster, source, copies, partitions, mayRepeat }: Copied): Promise<void> {
  const inputs = Array.from({ length: partitions }, (_, partition) => ({ topic: source.name, partition }));
  const committed = new Map(
    (await cluster.log.committedOffsets(cluster.runtime.job.name, inputs)).map(({ partition, offset }) => [
      partition,
      offset,
    ]),
  );
  const covered = (await readTopic(cluster, source))
    .filter(({ partition, offset }) => offset < (committed.get(partition) ?? 0))
    .map(({ value }) => idOf(value));
  const visible = (await readTopic(cluster, copies)).map(({ value }) => idOf(value));
  const seen = new Set(visible);
  for (const id of covered)
    if (!seen.has(id)) fail(`event ${id} lies before the committed offset, but its copy is not visible`);
  if (mayRepeat) return;
  if (seen.size !== visible.length) fail(`${visible.length - seen.size} copies are visible twice`);
  if (visible.length > covered.length)
    fail(`${visible.length} copies are visible, but the committed offsets cover ${covered.length} events`);
}

const idOf = (value: unknown): number => (value as { readonly id: number }).id;
