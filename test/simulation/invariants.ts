import type { TopicDefinition, TopicKey, TopicValue } from "mulgil";
import { InvariantError } from "mulgil";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import {
  copies,
  EVENT_PARTITIONS,
  events,
  type GroupSum,
  reminders,
  type SimEvent,
  sums,
  WINDOW_MS,
} from "./workload.ts";

const fail = (what: string): never => {
  throw new InvariantError(what);
};

interface Read<T extends TopicDefinition> {
  readonly partition: number;
  readonly offset: number;
  readonly key: TopicKey<T>;
  readonly value: TopicValue<T>;
}

async function readAll<T extends TopicDefinition>(cluster: SimulatedCluster, topic: T): Promise<readonly Read<T>[]> {
  const codec = await TopicCodec.open(topic, cluster.registry);
  const partitions = (await cluster.log.describeTopics()).find((found) => found.topic === topic.name)!.partitions;
  const all: Read<T>[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (const record of await readPartition(cluster.log, { topic: topic.name, partition })) {
      all.push({ partition, offset: record.offset, ...(await codec.decode(record)) } as Read<T>);
    }
  }
  return all;
}

/** At any moment: what is visible is exactly what the committed offsets cover. Nothing lost, nothing twice, no commit past an unfinished record. */
export async function checkCopies(cluster: SimulatedCluster): Promise<void> {
  const partitions = Array.from({ length: EVENT_PARTITIONS }, (_, partition) => ({ topic: events.name, partition }));
  const committed = new Map(
    (await cluster.log.committedOffsets(cluster.runtime.job.name, partitions)).map((entry) => [
      entry.partition,
      entry.offset,
    ]),
  );
  const covered = (await readAll(cluster, events))
    .filter(({ partition, offset }) => offset < (committed.get(partition) ?? 0))
    .map(({ value }) => value.id);
  const visible = (await readAll(cluster, copies)).map(({ value }) => value.id);
  const seen = new Set(visible);
  if (seen.size !== visible.length) fail(`${visible.length - seen.size} copies are visible twice`);
  for (const id of covered)
    if (!seen.has(id)) fail(`event ${id} lies before the committed offset, but its copy is not visible`);
  if (visible.length > covered.length)
    fail(`${visible.length} copies are visible, but the committed offsets cover ${covered.length} events`);
}

/** At the end: every event has its copy, sums equal a plain computation, their values only grew, and no reminder came twice. */
export async function checkResults(cluster: SimulatedCluster, sent: readonly SimEvent[]): Promise<void> {
  await checkCopies(cluster);
  const copied = (await readAll(cluster, copies)).length;
  if (copied !== sent.length) fail(`${copied} copies of ${sent.length} events`);
  await checkSums(cluster, sent);
  await checkReminders(cluster);
}

async function checkSums(cluster: SimulatedCluster, sent: readonly SimEvent[]): Promise<void> {
  const expected = new Map<string, GroupSum>();
  for (const { group, amount, at } of sent) {
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    const id = `${group}@${windowStartMs}`;
    const before = expected.get(id) ?? { windowStartMs, count: 0, total: 0, largest: null };
    expected.set(id, {
      windowStartMs,
      count: before.count + 1,
      total: before.total + amount,
      largest: Math.max(before.largest ?? 0, amount),
    });
  }
  const latest = new Map<string, GroupSum>();
  for (const { key, value } of await readAll(cluster, sums)) {
    const id = `${key}@${value.windowStartMs}`;
    const before = latest.get(id);
    if (before !== undefined && value.count <= before.count)
      fail(`the sum of ${id} went from ${before.count} to ${value.count} records: it may only grow`);
    latest.set(id, { ...value });
  }
  if (latest.size !== expected.size) fail(`${latest.size} sums instead of ${expected.size}`);
  for (const [id, sum] of expected) {
    const found = latest.get(id);
    if (
      found === undefined ||
      found.count !== sum.count ||
      found.total !== sum.total ||
      found.largest !== sum.largest
    ) {
      fail(`the sum of ${id} is ${JSON.stringify(found)} instead of ${JSON.stringify(sum)}`);
    }
  }
}

async function checkReminders(cluster: SimulatedCluster): Promise<void> {
  const fired = new Map<string, number>();
  for (const { value } of await readAll(cluster, reminders)) {
    const before = fired.get(value.key);
    if (before !== undefined && value.seen < before)
      fail(`a reminder of ${value.key} had seen ${value.seen} records after one that had seen ${before}`);
    fired.set(value.key, value.seen);
    const id = `${value.key}@${value.dueMs}#${value.seen}`;
    if (fired.has(id)) fail(`the reminder ${id} was sent twice`);
    fired.set(id, 0);
  }
}
