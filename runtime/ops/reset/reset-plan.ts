import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { LogAccess, PartitionOffset, TopicPartition } from "../../log/port.ts";
import { replayTopicOf } from "../../plan/internal-topics.ts";
import type { Plan } from "../../plan/plan.ts";
import { inputPositions } from "../../worker/input-positions.ts";

/** Where a job's sources are to go on. */
export type ResetPosition =
  | "earliest"
  | "latest"
  | { readonly atOrAfterMs: number }
  | { readonly offset: number }
  /** So many records on, or back if negative. */
  | { readonly by: number };

export interface ResetOptions {
  readonly log: LogAccess;
  readonly plan: Plan;
  readonly to: ResetPosition;
  /** Only these sources; all of the job's if undefined. */
  readonly sources?: readonly string[];
  /** State, and what is between the steps, stays as it is: only positions move. */
  readonly keepState: boolean;
}

/** One partition of a source: where the job would have gone on, and where it will. */
export interface MovedPosition extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

/** What a reset would do. */
export interface ResetPlan {
  readonly plan: Plan;
  readonly positions: readonly MovedPosition[];
  /** Topics that are emptied: made anew under the same names. */
  readonly emptied: readonly { readonly topic: string; readonly records: number }[];
  /** Topics that the job writes: what is there stays, and what is read again is written again. */
  readonly outputs: readonly string[];
  readonly keepsState: boolean;
  /** Everything that the sources still have is read again. */
  readonly isFromStart: boolean;
}

/** Roles of topics that hold what the job has made of what it has read. */
const DERIVED: ReadonlySet<string> = new Set(["changelog", "repartition", "retry"]);

/**
 * Looks at what a reset would do, and changes nothing.
 * @throws {MulgilError} RESET_RUNNING if the job's group has members, RESET_SOURCES if a source is none of the job's, or not all of them where state goes,
 * RESET_CALLS if the positions of a job that calls were to move without its state, TOPIC_UNKNOWN if a source is gone
 */
export async function planReset(options: ResetOptions): Promise<ResetPlan> {
  const { log, plan, keepState } = options;
  await assertStopped(log, plan.job);
  const sources = chosenSources(options);
  if (keepState && plan.subTopologies.some(({ call }) => call !== undefined)) throw callsNeedState(plan.job);
  const existing = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic, partitions]));
  const partitions = sources.flatMap((topic) => partitionsOf(topic, existing.get(topic)));
  const emptied = keepState ? [] : derivedTopics(plan).filter((topic) => existing.has(topic));
  return {
    plan,
    positions: await movedPositions(options, partitions),
    emptied: await Promise.all(
      emptied.map(async (topic) => ({
        topic,
        records: await offsetsIn(log, partitionsOf(topic, existing.get(topic))),
      })),
    ),
    keepsState: keepState,
    isFromStart: options.to === "earliest",
    outputs: plan.topics.flatMap(({ topic, role }) => (role === "sink" ? [topic] : [])),
  };
}

/** @throws {MulgilError} RESET_RUNNING */
export async function assertStopped(log: LogAccess, job: string): Promise<void> {
  const { status, members } = await log.describeGroup(job);
  if (status === "empty") return;
  const who = members.map(({ clientId, host }) => `${clientId}${host === "" ? "" : ` (${host})`}`).join(", ");
  throw new MulgilError(
    `job "${job}" is running${who === "" ? "" : `: ${who}`}; positions and state of a job change under its workers otherwise, so stop or drain it first (mulgil drain ${job})`,
    { code: "RESET_RUNNING", context: { job } },
  );
}

/** Of any version: a replay topic only exists where somebody has replayed. */
function derivedTopics({ job, topics }: Plan): readonly string[] {
  const replays = topics.flatMap(({ topic, role }) => (role === "source" ? [replayTopicOf(job, topic)] : []));
  return [...topics.flatMap(({ topic, role }) => (DERIVED.has(role) ? [topic] : [])), ...replays];
}

function chosenSources({ plan, sources: wanted, keepState }: ResetOptions): readonly string[] {
  const all = plan.topics.flatMap(({ topic, role }) => (role === "source" ? [topic] : []));
  if (wanted === undefined) return all;
  const stranger = wanted.find((topic) => !all.includes(topic));
  if (stranger !== undefined)
    throw new MulgilError(`job "${plan.job}" does not read "${stranger}": it reads ${all.join(", ")}`, {
      code: "RESET_SOURCES",
      context: { job: plan.job, topic: stranger },
    });
  if (!keepState && all.some((topic) => !wanted.includes(topic)))
    throw new MulgilError(
      `what the state of job "${plan.job}" holds came from all of its sources (${all.join(", ")}), and would lack what is not read again: reset all of them, or move positions alone with --keep-state`,
      { code: "RESET_SOURCES", context: { job: plan.job } },
    );
  return wanted;
}

function partitionsOf(topic: string, count: number | undefined): readonly TopicPartition[] {
  if (count !== undefined) return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  throw new MulgilError(
    `topic "${topic}" does not exist any more: create it and fill it, or run a version without it`,
    {
      code: "TOPIC_UNKNOWN",
      context: { topic },
    },
  );
}

async function movedPositions(
  { log, plan, to, keepState }: ResetOptions,
  partitions: readonly TopicPartition[],
): Promise<readonly MovedPosition[]> {
  const before = await inputPositions(log, plan.job, partitions);
  const positions = before.map(({ position }) => position);
  const wanted = await positionsAt(log, partitions, to, positions);
  // A table is what all of its topic comes to; one that begins later would lack what has not changed since.
  const starts = keepState ? [] : await positionsAt(log, partitions, "earliest", positions);
  return before.map(({ topic, partition, position }, index) => ({
    ...{ topic, partition },
    from: position,
    to: isTable(plan, topic) ? (starts[index] ?? wanted[index]!) : wanted[index]!,
  }));
}

const isTable = ({ topics }: Plan, name: string): boolean =>
  topics.some(({ topic, role, cleanupPolicy }) => topic === name && role === "source" && cleanupPolicy === "compact");

/** Beyond the ends of a partition, its ends. */
async function positionsAt(
  log: LogAccess,
  partitions: readonly TopicPartition[],
  to: ResetPosition,
  before: readonly number[],
): Promise<readonly number[]> {
  const offsets = (found: readonly PartitionOffset[]) => found.map(({ offset }) => offset);
  if (typeof to === "string" || "atOrAfterMs" in to)
    return offsets(await log.listOffsets(partitions, to, "read_committed"));
  const starts = offsets(await log.listOffsets(partitions, "earliest", "read_committed"));
  const ends = offsets(await log.listOffsets(partitions, "latest", "read_committed"));
  return partitions.map((_, index) => {
    const offset = "offset" in to ? to.offset : before[index]! + to.by;
    return Math.min(Math.max(offset, starts[index]!), ends[index]!);
  });
}

async function offsetsIn(log: LogAccess, partitions: readonly TopicPartition[]): Promise<number> {
  const starts = await log.listOffsets(partitions, "earliest", "read_committed");
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  return ends.reduce((sum, { offset }, index) => sum + offset - starts[index]!.offset, 0);
}

const callsNeedState = (job: string): MulgilError =>
  new MulgilError(
    `job "${job}" calls institutions, and its state says which records have ended: positions that move without it would leave out records, or repeat calls. Reset it with its state, or replay what is to be done again (mulgil replay)`,
    { code: "RESET_CALLS", context: { job } },
  );
