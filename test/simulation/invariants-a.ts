import type { SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { checkCopies } from "./check-copies.ts";
import { copies, EVENT_PARTITIONS, events, type GroupSum, reminders, type SimEvent, sums, WINDOW_MS } from "./job-a.ts";
import { fail, readTopic } from "./read-topic.ts";

/** At the end: every event has its copy, sums equal a plain computation, their values only grew, and no reminder came twice. */
export async function checkResults(cluster: SimulatedCluster, sent: readonly SimEvent[]): Promise<void> {
  await checkCopies({ cluster, source: events, copies, partitions: EVENT_PARTITIONS, mayRepeat: false });
  const copied = (await readTopic(cluster, copies)).length;
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
  for (const { key, value } of await readTopic(cluster, sums)) {
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
  for (const { value } of await readTopic(cluster, reminders)) {
    const before = fired.get(value.key);
    if (before !== undefined && value.seen < before)
      fail(`a reminder of ${value.key} had seen ${value.seen} records after one that had seen ${before}`);
    fired.set(value.key, value.seen);
    const id = `${value.key}@${value.dueMs}#${value.seen}`;
    if (fired.has(id)) fail(`the reminder ${id} was sent twice`);
    fired.set(id, 0);
  }
}
