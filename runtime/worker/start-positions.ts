import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { GapPolicy } from "../dsl/source-options.ts";
import type { CommittedOffset, LogAccess, PartitionOffset, TopicPartition } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { readMetadata } from "./commit-metadata.ts";

/** Where an input of a task goes on. */
export interface StartPosition extends PartitionOffset {
  /** Which topic of this name it is a position in. */
  readonly incarnation: string | undefined;
  /** The group has it like that; otherwise the task's next commit says it. */
  readonly isCommitted: boolean;
  /** No commit of the job has left it there: a tool or a person has. */
  readonly isSetByOthers?: true;
}

/** Why what a job would have read next is not there. */
export type GapReason =
  /** The records were removed: by retention, or by hand. */
  | "removed"
  /** The topic ends before the position: it was truncated, or somebody set the position. */
  | "truncated"
  /** The topic was deleted and made again: the position means nothing in it. */
  | "replaced";

/** What is missing between the position of a job and the records of a topic. */
export interface Gap extends TopicPartition {
  readonly reason: GapReason;
  /** The position of the job. */
  readonly from: number;
  /** Where it goes on. */
  readonly to: number;
  /** Offsets that are left out: as many records at most. */
  readonly skipped: number;
}

export interface StartPositions {
  readonly positions: readonly StartPosition[];
  /** Those that are followed, as the plan says. */
  readonly gaps: readonly Gap[];
  /** The ends of the inputs, under read_committed. */
  readonly ends: readonly PartitionOffset[];
}

export interface StartPositionsOptions {
  readonly log: Pick<LogAccess, "listOffsets">;
  readonly plan: Plan;
  readonly inputs: readonly TopicPartition[];
  /** Of the job's group. */
  readonly committed: readonly CommittedOffset[];
  /** Of the topics as they are. */
  readonly incarnations: ReadonlyMap<string, string>;
  /** Topics that were made again while the task ran, and how far it was. Their committed offsets may have gone with the former ones. */
  readonly replaced: ReadonlyMap<string, number>;
}

interface Bounds {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the inputs of a task go on: at their committed offsets if these can be followed, at the beginning where there is none. A committed
 * offset that cannot be followed is a gap, and the plan says what happens then.
 * @throws {MulgilError} SOURCE_GAP, REPARTITION_GAP
 */
export async function startPositions(options: StartPositionsOptions): Promise<StartPositions> {
  const { log, inputs, committed } = options;
  const starts = await log.listOffsets(inputs, "earliest", "read_committed");
  const ends = await log.listOffsets(inputs, "latest", "read_committed");
  const positions: StartPosition[] = [];
  const gaps: Gap[] = [];
  for (const [index, input] of inputs.entries()) {
    const bounds = { start: starts[index]!.offset, end: ends[index]!.offset };
    const found = committed.find(({ topic }) => topic === input.topic);
    const { position, gap } = await startPosition(options, input, found, bounds);
    positions.push(position);
    if (gap !== undefined) gaps.push(gap);
  }
  return { positions, gaps, ends };
}

async function startPosition(
  options: StartPositionsOptions,
  { topic, partition }: TopicPartition,
  found: CommittedOffset | undefined,
  bounds: Bounds,
): Promise<{ readonly position: StartPosition; readonly gap?: Gap }> {
  const { plan, incarnations, replaced } = options;
  const where = { topic, partition };
  const incarnation = incarnations.get(topic);
  const uncommitted = { ...where, incarnation, isCommitted: false };
  const planned = plan.topics.find((each) => each.topic === topic);
  if (found === undefined && !replaced.has(topic))
    return { position: { ...uncommitted, offset: planned?.startFrom === "latest" ? bounds.end : bounds.start } };
  const reason = await gapReason(options, where, found, bounds);
  if (reason === undefined) {
    const isCommitted = readMetadata(found!).incarnation === incarnation;
    const isOthers = readMetadata(found!).sequence === 0;
    return {
      position: {
        ...uncommitted,
        offset: found!.offset,
        isCommitted,
        ...(isOthers && { isSetByOthers: true as const }),
      },
    };
  }
  const from = found?.offset ?? replaced.get(topic)!;
  if (planned?.role === "repartition" || planned?.role === "retry")
    throw repartitionGap(plan.job, { ...where, from, reason, ...bounds });
  // What no plan names is to be processed once more: what is left of it is.
  const policy = planned === undefined ? "earliest" : (planned.onGap ?? "fail");
  if (policy === "fail") throw sourceGap(plan.job, { ...where, from, reason, ...bounds });
  const to = policy === "earliest" ? bounds.start : bounds.end;
  return {
    position: { ...uncommitted, offset: to },
    gap: { ...where, reason, from, to, skipped: skipped(reason, from, to, bounds) },
  };
}

async function gapReason(
  { log, incarnations, replaced }: StartPositionsOptions,
  where: TopicPartition,
  found: CommittedOffset | undefined,
  { start, end }: Bounds,
): Promise<GapReason | undefined> {
  if (found === undefined || replaced.has(where.topic)) return "replaced";
  const { incarnation } = readMetadata(found);
  if (incarnation !== undefined && incarnation !== incarnations.get(where.topic)) return "replaced";
  if (found.offset < start) return "removed";
  if (found.offset <= end) return undefined;
  // A transaction that is open holds the end back for committed readers.
  const [last] = await log.listOffsets([where], "latest", "read_uncommitted");
  return found.offset > last!.offset ? "truncated" : undefined;
}

/** In a topic that is another one, nothing lies between the old position and the new. */
function skipped(reason: GapReason, from: number, to: number, { start }: Bounds): number {
  return reason === "replaced" ? to - start : Math.max(0, to - from);
}

interface Refused extends TopicPartition, Bounds {
  readonly reason: GapReason;
  readonly from: number;
}

function sourceGap(job: string, gap: Refused): MulgilError {
  const remedies: Readonly<Record<Exclude<GapPolicy, "fail">, string>> = {
    earliest: `"earliest" (offset ${gap.start})`,
    latest: `"latest" (offset ${gap.end})`,
  };
  return new MulgilError(
    `${what(job, gap)}. To go on without them, give the source onGap ${remedies.earliest} or ${remedies.latest}; or stop the job, and set the offsets of its group "${job}" yourself`,
    { code: "SOURCE_GAP", context: { topic: gap.topic, partition: gap.partition, offset: gap.from } },
  );
}

function repartitionGap(job: string, gap: Refused): MulgilError {
  return new MulgilError(
    `${what(job, gap)}. The topic is one that the job makes for itself, and only the job removes records from it, when it has processed them: its results would lack what it had already read. Give the job a new name and let it begin anew; or stop it, and set the offset of its group "${job}" yourself if what is lost may be lost`,
    { code: "REPARTITION_GAP", context: { topic: gap.topic, partition: gap.partition, offset: gap.from } },
  );
}

function what(job: string, { topic, partition, reason, from, start, end }: Refused): string {
  const at = `job "${job}" would go on at offset ${from} of topic "${topic}" partition ${partition}`;
  switch (reason) {
    case "removed":
      return `${at}, but the records from ${from} to ${start - 1} (${start - from} offsets) have been removed before it read them, by retention or by hand: the first one there is ${start}`;
    case "truncated":
      return `${at}, but the partition ends at ${end}: its end was cut off, or somebody has set that offset`;
    case "replaced":
      return `${at}, but that topic was deleted: the one that has its name now (offsets ${start} to ${end}) is another one, and the position means nothing in it`;
  }
}
