import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { TopicDescription, TopicSpec } from "../../log/port.ts";
import type { Plan } from "../../plan/plan.ts";
import { replayableInputs } from "../../plan/replay-topics.ts";
import { BATCH_BYTES_MAX } from "../../worker/job-topics.ts";
import { loopThrough } from "./topic-flow.ts";

const TOPIC_NAME_MAX = 249;

/**
 * The topic of a job's own that a replay writes to.
 * @throws {MulgilError} REPLAY_NOT_READ, REPLAY_TABLE, REPLAY_TOPIC_NAME
 */
export function jobReplayTopic(plan: Plan, source: string): string {
  const inputs = plan.subTopologies.flatMap((part) => replayableInputs(plan, part));
  const sources = inputs.filter(({ topic }) => plan.topics.some((each) => each.topic === topic && isSource(each)));
  const found = sources.find(({ topic }) => topic === source);
  if (found === undefined)
    throw notReplayable(
      plan,
      source,
      sources.map(({ topic }) => topic),
    );
  if (found.replayTopic.length > TOPIC_NAME_MAX)
    throw refused(
      "REPLAY_TOPIC_NAME",
      `"${found.replayTopic}" would be the topic for it, and is longer than the ${TOPIC_NAME_MAX} characters that a topic's name may have: replay into a topic that the job reads instead (--to-topic)`,
    );
  return found.replayTopic;
}

const isSource = ({ role }: Plan["topics"][number]): boolean => role === "source";

function notReplayable(plan: Plan, source: string, sources: readonly string[]): MulgilError {
  const planned = plan.topics.find(({ topic }) => topic === source);
  if (planned?.role === "source")
    return refused(
      "REPLAY_TABLE",
      `job "${plan.job}" reads topic "${source}" as a table, and its old rows would take the place of newer ones: write the rows that are to be there now to the topic itself`,
    );
  const why =
    planned === undefined
      ? `job "${plan.job}" does not read topic "${source}"`
      : `topic "${source}" is no source of job "${plan.job}"`;
  return refused("REPLAY_NOT_READ", `${why}: it reads ${sources.length === 0 ? "tables only" : sources.join(", ")}`);
}

/** Where replayed records lie until the job has processed them: it removes them then, and nothing else does. */
export const jobReplaySpec = (topic: string, partitions: number): TopicSpec => ({
  topic,
  partitions,
  batchBytesMax: BATCH_BYTES_MAX,
  config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 7 * 86_400_000 },
});

/**
 * That records of one topic may be written to another one.
 * @throws {MulgilError} REPLAY_ITSELF, REPLAY_TARGET_INTERNAL, REPLAY_LOOP
 */
export function assertTopicTarget(options: {
  readonly source: string;
  readonly target: string;
  readonly plans: readonly Plan[];
  readonly mayLoop: boolean;
}): void {
  const { source, target, plans, mayLoop } = options;
  if (source === target)
    throw refused(
      "REPLAY_ITSELF",
      `"${source}" cannot be replayed into itself: everybody who reads it would get its records again. Replay it into the job that shall process them (--to-job)`,
    );
  const owner = plans.find(({ topics }) => topics.some(({ topic, role }) => topic === target && isInternal(role)));
  if (owner !== undefined || target.startsWith("mulgil."))
    throw refused(
      "REPLAY_TARGET_INTERNAL",
      `"${target}" is an internal topic${owner === undefined ? "" : ` of job "${owner.job}"`}: replay into the job itself (--to-job), or into another topic`,
    );
  const loop = mayLoop ? undefined : loopThrough(plans, target, source);
  if (loop !== undefined)
    throw refused(
      "REPLAY_LOOP",
      `what is written to "${target}" comes back to "${source}": ${loop}. Replay into one job (--to-job), or give --allow-loop if that is what you want`,
    );
}

const isInternal = (role: Plan["topics"][number]["role"]): boolean =>
  role === "repartition" || role === "retry" || role === "changelog" || role === "circuits";

/** A target that is there keeps what it is; one that is not is made like the source. */
export const targetSpec = (topic: string, { partitions, config }: TopicDescription): TopicSpec => ({
  ...{ topic, partitions },
  config: { ...config, cleanupPolicy: "delete", retentionMs: -1 },
});

const refused = (code: string, message: string): MulgilError => new MulgilError(message, { code });
