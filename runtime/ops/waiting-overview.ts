import type { LogAccess } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { isSameRecord } from "../resilience/call-item.ts";
import { orderKeyHash } from "../resilience/order-key-hash.ts";
import { readHeld, readStrictKeys } from "./call-changelogs.ts";
import { callSteps, type PlannedCallStep, partitionsOf, scanWaiting, type WaitingRecord } from "./waiting-records.ts";

/** What waits in one retry tier for one institution. */
export interface WaitingGroup {
  readonly job: string;
  readonly step: string;
  readonly resource: string;
  /** The topic. */
  readonly tier: string;
  readonly delayMs: number;
  readonly records: number;
  /** Since when the oldest one waits, in whatever tiers. */
  readonly sinceMs: number;
  /** When the first and the last of them may be called for. */
  readonly nextDueMs: number;
  readonly lastDueMs: number;
  /** Calls that failed, of the one with most. */
  readonly attemptsMax: number;
}

/** What is held in state behind one unfinished record. */
export interface HeldGroup {
  readonly job: string;
  readonly step: string;
  readonly resource: string;
  readonly partition: number;
  /** Stands for the order key, which may be somebody's data. */
  readonly key: string;
  readonly held: number;
  readonly sinceMs: number;
  /** Where the record is that they wait for. */
  readonly headAt: "input" | "tier" | "held";
  /** Of one that waits in a tier. */
  readonly headDueMs: number | undefined;
  readonly headAttempts: number | undefined;
}

export interface WaitingSelection {
  readonly step?: string | undefined;
  readonly resource?: string | undefined;
  /** An order key, or its hash. */
  readonly key?: string | undefined;
}

/** Whether something that waits is selected. */
export const isSelected = (
  { resource, key }: WaitingSelection,
  address: { readonly resource: string; readonly orderKey: string | undefined } | undefined,
): boolean =>
  (resource === undefined || address?.resource === resource) &&
  (key === undefined || (address?.orderKey !== undefined && isKey(key, address.orderKey)));

const isKey = (given: string, orderKey: string): boolean => given === orderKey || given === orderKeyHash(orderKey);

type Counted = { -readonly [Name in keyof WaitingGroup]: WaitingGroup[Name] };

/** What waits in the retry tiers of a job, by step, institution and tier. Reads the tiers. */
export async function waitingGroups(
  log: LogAccess,
  plan: Plan,
  selection: WaitingSelection,
): Promise<readonly WaitingGroup[]> {
  const groups = new Map<string, Counted>();
  await eachTask(log, plan, selection, async (call, partition) => {
    await scanWaiting(log, plan.job, call, partition, (records) => {
      for (const record of records)
        if (isSelected(selection, record.parcel.address)) count(groups, plan.job, call.step, record);
    });
  });
  return [...groups.values()];
}

function count(groups: Map<string, Counted>, job: string, step: string, { tier, dueMs, parcel }: WaitingRecord): void {
  const { address, travel } = parcel;
  const resource = address?.resource ?? "";
  const sinceMs = travel.sinceMs ?? dueMs - tier.delayMs;
  const key = JSON.stringify([step, resource, tier.topic]);
  const group = groups.get(key);
  if (group === undefined) {
    const { topic, delayMs } = tier;
    groups.set(key, {
      ...{ job, step, resource, tier: topic, delayMs, records: 1, sinceMs },
      ...{ nextDueMs: dueMs, lastDueMs: dueMs, attemptsMax: travel.attempts },
    });
    return;
  }
  group.records++;
  group.sinceMs = Math.min(group.sinceMs, sinceMs);
  group.nextDueMs = Math.min(group.nextDueMs, dueMs);
  group.lastDueMs = Math.max(group.lastDueMs, dueMs);
  group.attemptsMax = Math.max(group.attemptsMax, travel.attempts);
}

/** What is held in the state of a job's calls, by order key, the most first. Reads changelogs, so it is as of the last commits. */
export async function heldGroups(
  log: LogAccess,
  plan: Plan,
  selection: WaitingSelection,
): Promise<readonly HeldGroup[]> {
  const groups: HeldGroup[] = [];
  await eachTask(log, plan, selection, async (call, partition) => {
    if (call.isStrict) groups.push(...(await heldOf(log, plan.job, call, partition, selection)));
  });
  return groups.sort((left, right) => right.held - left.held);
}

async function heldOf(
  log: LogAccess,
  job: string,
  call: PlannedCallStep,
  partition: number,
  selection: WaitingSelection,
): Promise<readonly HeldGroup[]> {
  const of = { job, step: call.step, partition };
  const [held, keys] = await Promise.all([readHeld(log, of), readStrictKeys(log, of)]);
  const found = [...held].flatMap(([orderKey, records]) => {
    const [first] = records.values();
    return isSelected(selection, first?.address) ? [{ orderKey, records: [...records.values()] }] : [];
  });
  if (found.length === 0) return [];
  const heads = new Map<string, WaitingRecord>();
  await scanWaiting(log, job, call, partition, (records) => {
    for (const record of records) {
      const orderKey = record.parcel.address?.orderKey;
      const head = orderKey === undefined ? undefined : keys.get(orderKey)?.head;
      if (head !== undefined && isSameRecord(head, record.parcel)) heads.set(orderKey!, record);
    }
  });
  return found.map(({ orderKey, records }) => ({
    ...{ job, step: call.step, resource: records[0]!.address?.resource ?? "", partition },
    ...{ key: orderKeyHash(orderKey), held: records.length },
    sinceMs: Math.min(...records.map(({ travel }) => travel.sinceMs ?? Number.POSITIVE_INFINITY)),
    headAt: keys.get(orderKey)?.headAt ?? "input",
    headDueMs: heads.get(orderKey)?.dueMs,
    headAttempts: heads.get(orderKey)?.parcel.travel.attempts,
  }));
}

async function eachTask(
  log: LogAccess,
  plan: Plan,
  { step }: WaitingSelection,
  visit: (call: PlannedCallStep, partition: number) => Promise<void>,
): Promise<void> {
  const partitionCounts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic, partitions]));
  for (const call of callSteps(plan)) {
    if (step !== undefined && call.step !== step) continue;
    for (let partition = 0; partition < partitionsOf(call, partitionCounts); partition++) await visit(call, partition);
  }
}
