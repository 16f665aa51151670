import { partitionOf } from "../../runtime/log/partitioner.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { DEAD_LETTER_HEADERS } from "../../runtime/worker/dead-letter.ts";
import { checkCopies } from "./check-copies.ts";
import {
  CLOSED_GRACE_MS,
  CLOSED_SIZE_MS,
  closed,
  copies,
  type Event,
  enriched,
  events,
  GAP_MS,
  isUnlucky,
  late,
  PARTITIONS,
  profiles,
  type Sent,
  sessions,
  tallies,
} from "./job-b.ts";
import { fail, POISON, readTopic } from "./read-topic.ts";

/** What was sent, and whether everything must be visible once and be counted once, or at least once. */
interface Expected {
  readonly sent: readonly Sent[];
  readonly events: readonly Event[];
  readonly isOnce: boolean;
}

/** At the end: what is visible is what a plain computation makes of what was sent; or, at-least-once, nothing of it is missing. */
export async function checkResults(cluster: SimulatedCluster, sent: readonly Sent[], isOnce: boolean): Promise<void> {
  const expected = { sent, events: sent.flatMap((item) => (item.kind === "event" ? [item.event] : [])), isOnce };
  await checkCopies({ cluster, source: events, copies, partitions: PARTITIONS, mayRepeat: !isOnce });
  checkSet(
    "copies",
    (await readTopic(cluster, copies)).map(({ value }) => String(value.id)),
    expected.events.map(({ id }) => String(id)),
    isOnce,
  );
  await checkEnriched(cluster, expected);
  await checkSessions(cluster, expected);
  await checkClosed(cluster, expected);
  await checkTallies(cluster, expected);
  await checkDeadLetters(cluster, expected);
}

/** The same elements, each once; or, at-least-once, all of them. */
function checkSet(what: string, found: readonly string[], expected: readonly string[], isOnce: boolean): void {
  const seen = new Set(found);
  for (const one of expected) if (!seen.has(one)) fail(`${what}: ${one} is missing`);
  const wanted = new Set(expected);
  for (const one of seen) if (!wanted.has(one)) fail(`${what}: ${one} should not be there`);
  if (isOnce && seen.size !== found.length) fail(`${what}: ${found.length - seen.size} are there twice`);
}

async function checkEnriched(cluster: SimulatedCluster, { sent, events: all, isOnce }: Expected): Promise<void> {
  const found = await readTopic(cluster, enriched);
  checkSet(
    "enriched",
    found.map(({ value }) => String(value.id)),
    all.filter((event) => !isUnlucky(event)).map(({ id }) => String(id)),
    isOnce,
  );
  const latest = new Map<string, number | null>();
  const final = new Map<string, number | null>();
  for (const item of sent) if (item.kind === "profile") final.set(item.key, item.value?.version ?? null);
  for (const { key, value } of found) {
    const before = latest.get(key) ?? null;
    if (isOnce && before !== null && value.version !== null && value.version < before)
      fail(`the profile of ${key} went back from version ${before} to ${value.version}`);
    if (value.version !== null) latest.set(key, value.version);
  }
  // The last event of a key came when its profile had long been there.
  for (const { key, id } of all.slice(-5)) {
    const version = found.findLast(({ value }) => value.id === id)?.value.version;
    if (version !== undefined && version !== (final.get(key) ?? null))
      fail(`the profile of ${key} is at version ${version} instead of ${final.get(key)}`);
  }
  const entries = (await readTopic(cluster, profiles)).length;
  if (entries === 0 && final.size > 0) fail("the profiles were not produced");
}

interface Bounds {
  startMs: number;
  endMs: number;
  count: number;
  total: number;
}

/** The sessions of a plain sort. */
function sessionsOf(all: readonly Event[]): Map<string, Bounds> {
  const found = new Map<string, Bounds>();
  for (const [group, members] of Map.groupBy(all, (event) => event.group)) {
    let current: Bounds | undefined;
    for (const { at, amount } of members.toSorted((left, right) => left.at - right.at)) {
      if (current !== undefined && at - current.endMs <= GAP_MS) {
        current.endMs = at;
        current.count++;
        current.total += amount;
        continue;
      }
      if (current !== undefined) found.set(`${group} ${current.startMs} ${current.endMs}`, current);
      current = { startMs: at, endMs: at, count: 1, total: amount };
    }
    if (current !== undefined) found.set(`${group} ${current.startMs} ${current.endMs}`, current);
  }
  return found;
}

async function checkSessions(cluster: SimulatedCluster, { events: all, isOnce }: Expected): Promise<void> {
  const latest = new Map<string, { readonly count: number; readonly total: number }>();
  const withdrawn = new Map<string, number>();
  for (const { key, value } of await readTopic(cluster, sessions)) {
    if ((value as unknown) === null) {
      withdrawn.set(key, (withdrawn.get(key) ?? 0) + 1);
      continue;
    }
    const id = `${key} ${value.windowStartMs} ${value.windowEndMs}`;
    const before = latest.get(id);
    if (isOnce && before !== undefined && value.count !== before.count + 1)
      fail(
        `session ${id} went from ${before.count} to ${value.count} records, and every change should be visible once`,
      );
    latest.set(id, value);
  }
  const expected = sessionsOf(all);
  for (const [id, { count, total }] of expected) {
    const found = latest.get(id);
    if (found === undefined) fail(`session ${id} is missing`);
    else if (isOnce ? found.count !== count || found.total !== total : found.count < count || found.total < total)
      fail(`session ${id} has ${JSON.stringify(found)} instead of ${JSON.stringify({ count, total })}`);
  }
  if (!isOnce) return;
  // A session that grew or was merged never comes back under its old bounds: each of those was withdrawn once.
  for (const group of new Set(all.map((event) => event.group))) {
    const ofGroup = (ids: Iterable<string>) => [...ids].filter((id) => id.startsWith(`${group} `)).length;
    const over = ofGroup(latest.keys()) - ofGroup(expected.keys());
    if (over !== (withdrawn.get(group) ?? 0))
      fail(`${over} sessions of ${group} are no more, but ${withdrawn.get(group) ?? 0} were withdrawn`);
  }
}

/** Every window that is closed in the end was sent once, with all its events but the late ones; no other was. */
async function checkClosed(cluster: SimulatedCluster, { events: all, isOnce }: Expected): Promise<void> {
  const lateIds = (await readTopic(cluster, late)).map(({ value }) => value.id);
  const isLate = new Set(lateIds);
  if (isOnce && isLate.size !== lateIds.length) fail("an event was late twice");
  const results = new Map<string, { readonly count: number; readonly total: number }>();
  for (const { key, value } of await readTopic(cluster, closed)) {
    const id = `${key} ${value.windowStartMs}`;
    const before = results.get(id);
    if (isOnce && before !== undefined) fail(`window ${id} was closed twice`);
    if (before === undefined || value.count > before.count) results.set(id, value);
  }
  for (const [group, members] of Map.groupBy(all, (event) => event.group)) {
    const partition = partitionOf(Buffer.from(group), PARTITIONS);
    const streamTimeMs = Math.max(
      ...all.filter((event) => partitionOf(Buffer.from(event.group), PARTITIONS) === partition).map(({ at }) => at),
    );
    const windows = Map.groupBy(members, ({ at }) => Math.floor(at / CLOSED_SIZE_MS) * CLOSED_SIZE_MS);
    for (const [startMs, inWindow] of windows) {
      const id = `${group} ${startMs}`;
      const found = results.get(id);
      results.delete(id);
      const inTime = inWindow.filter((event) => !isLate.has(event.id));
      if (startMs + CLOSED_SIZE_MS + CLOSED_GRACE_MS > streamTimeMs) {
        if (found !== undefined) fail(`window ${id} was sent as closed, and is open`);
        if (inTime.length < inWindow.length) fail(`an event was late for window ${id}, which is open`);
        continue;
      }
      const count = inTime.length;
      const total = inTime.reduce((sum, { amount }) => sum + amount, 0);
      if (found === undefined) {
        if (count > 0) fail(`window ${id} is closed, but was not sent`);
      } else if (isOnce ? found.count !== count || found.total !== total : found.count < count)
        fail(`window ${id} was closed with ${JSON.stringify(found)} instead of ${JSON.stringify({ count, total })}`);
    }
  }
  for (const id of results.keys()) fail(`window ${id} was closed, and no event lies in it`);
}

/** Every timer that was set has fired once, in order, and saw all that came before it. */
async function checkTallies(cluster: SimulatedCluster, { events: all, isOnce }: Expected): Promise<void> {
  const found = Map.groupBy(await readTopic(cluster, tallies), ({ key }) => key);
  for (const [key, members] of Map.groupBy(all, (event) => event.key)) {
    const values = (found.get(key) ?? []).map(({ value }) => value);
    const last = values.at(-1);
    if (last === undefined) return fail(`the timer of ${key} has not fired`);
    const most = Math.max(...values.map(({ seen }) => seen));
    if (most < members.length) fail(`the timer of ${key} saw ${most} of ${members.length} events`);
    const firings = new Set(values.map(({ fired }) => fired));
    for (let fired = 1; fired < Math.max(...firings); fired++)
      if (!firings.has(fired)) fail(`firing ${fired} of the timer of ${key} is missing, and a later one is visible`);
    if (!isOnce) continue;
    values.forEach(({ fired, sets, seen, inBuckets }, index) => {
      if (fired !== index + 1) fail(`firing ${index + 1} of the timer of ${key} counts itself as ${fired}`);
      if (sets !== fired) fail(`the timer of ${key} was set ${sets} times and fired ${fired} times`);
      if (seen !== inBuckets) fail(`${key} has seen ${seen} events, and ${inBuckets} are in its buckets`);
    });
    if (last.seen !== members.length) fail(`the timer of ${key} saw ${last.seen} of ${members.length} events`);
  }
}

async function checkDeadLetters(cluster: SimulatedCluster, { sent, events: all, isOnce }: Expected): Promise<void> {
  const topic = cluster.runtime.plan.dlqTopic;
  const found = (await readPartition(cluster.log, { topic, partition: 0 })).map(({ value, headers }) => {
    const header = (name: string) => headers?.[name]?.toString();
    if (header(DEAD_LETTER_HEADERS.code) !== "UNLUCKY") return value!.toString();
    return `${header(DEAD_LETTER_HEADERS.partition)}/${header(DEAD_LETTER_HEADERS.offset)}`;
  });
  const unlucky = new Set(all.filter(isUnlucky).map(({ id }) => id));
  const expected = [
    ...sent.flatMap((item) => (item.kind === "poison" ? [`${POISON} ${item.number}`] : [])),
    ...(await readTopic(cluster, events)).flatMap(({ partition, offset, value }) =>
      unlucky.has(value.id) ? [`${partition}/${offset}`] : [],
    ),
  ];
  checkSet("dead letters", found, expected, isOnce);
}
