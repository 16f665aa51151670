import type { FetchedRecord, LogAccess, TopicPartition } from "../log/port.ts";
import { scanPartition } from "../log/read-partition.ts";
import type { Plan, PlannedTier } from "../plan/plan.ts";
import type { EndedRecords } from "../resilience/input-progress.ts";
import { PARCEL_HEADER, type Parcel, unpackParcel } from "../resilience/parcel.ts";
import { readEndedRecords } from "./call-changelogs.ts";

/** A call of a job that has retry tiers. */
export interface PlannedCallStep {
  readonly step: string;
  readonly tiers: readonly PlannedTier[];
  /** Its records wait for those of the same key in state. */
  readonly isStrict: boolean;
}

/** A record that waits in a retry tier. */
export interface WaitingRecord {
  readonly tier: PlannedTier;
  readonly partition: number;
  readonly offset: number;
  /** When it may be called for: the end of its time in the tier, or of a longer wait. */
  readonly dueMs: number;
  /** Without its content. */
  readonly parcel: Pick<Parcel, "topic" | "offset" | "travel" | "address">;
}

export const callSteps = ({ subTopologies }: Plan): readonly PlannedCallStep[] =>
  subTopologies.flatMap(({ call, stores }) =>
    call === undefined
      ? []
      : [{ step: call.node, tiers: call.tiers, isStrict: stores.some(({ name }) => name === `${call.node}.held`) }],
  );

/** How many partitions the tasks of a call have; 0 if it has never run. */
export function partitionsOf({ tiers }: PlannedCallStep, partitionCounts: ReadonlyMap<string, number>): number {
  const [first] = tiers;
  return first === undefined ? 0 : (partitionCounts.get(first.topic) ?? 0);
}

/** Hands over what waits in the tiers of one task of a call, as of its last commit, batch by batch. */
export async function scanWaiting(
  log: LogAccess,
  job: string,
  { step, tiers }: PlannedCallStep,
  partition: number,
  visit: (records: readonly WaitingRecord[]) => void,
): Promise<void> {
  const ended = await readEndedRecords(log, { job, step, partition });
  for (const tier of tiers) {
    const where = { topic: tier.topic, partition };
    const hasEnded = endedIn(ended.get(tier.topic));
    await scanPartition(log, { ...where, offset: await positionIn(log, job, where) }, (records) =>
      visit(records.filter(({ offset }) => !hasEnded(offset)).flatMap((record) => waitingOf(record, tier, partition))),
    );
  }
}

/** Where the job goes on: nothing before it waits. */
async function positionIn(log: LogAccess, job: string, where: TopicPartition): Promise<number> {
  const [start] = await log.listOffsets([where], "earliest", "read_committed");
  const [committed] = await log.committedOffsets(job, [where]);
  return Math.max(start!.offset, committed?.offset ?? 0);
}

const endedIn = (ended: EndedRecords | undefined) => {
  const unfinished = new Set(ended?.unfinished);
  return (offset: number) => ended !== undefined && offset < ended.upTo && !unfinished.has(offset);
};

function waitingOf(record: FetchedRecord, tier: PlannedTier, partition: number): readonly WaitingRecord[] {
  const { offset, timestampMs, headers } = record;
  const label = headers?.[PARCEL_HEADER];
  if (label === undefined) return [];
  try {
    const { topic, offset: at, travel, address } = unpackParcel(label, { key: null, value: null, headers: undefined });
    const dueMs = Math.max(timestampMs + tier.delayMs, travel.notBeforeMs);
    return [{ tier, partition, offset, dueMs, parcel: { topic, offset: at, travel, address } }];
  } catch {
    // Somebody else has written it; it is a dead letter when its time comes.
    return [];
  }
}
