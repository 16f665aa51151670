import { randomUUID } from "node:crypto";
import path from "node:path";
import { InvalidArgumentError } from "commander";
import type { LogAccess, TopicDescription, TopicSpec } from "../../runtime/log/port.ts";
import type { ReplayDefinition, ReplayTarget } from "../../runtime/ops/replay/replay-definition.ts";
import {
  assertTopicTarget,
  jobReplaySpec,
  jobReplayTopic,
  targetSpec,
} from "../../runtime/ops/replay/replay-target.ts";
import { type RangeEnd, rangesOf } from "../../runtime/ops/transfer/ranges.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import type { LogLocation } from "../environment/open-log.ts";
import { partitionsOf } from "../read/read-topic.ts";
import type { StartPosition } from "../read/start-position.ts";
import type { PlainKeyType } from "../topics/topic-schemas.ts";

/** What was asked for. */
export interface ReplayRequest extends LogLocation {
  readonly toJob?: string;
  readonly toTopic?: string;
  readonly toFile?: string;
  readonly from?: StartPosition;
  readonly to?: StartPosition;
  readonly since?: number;
  readonly partition?: readonly number[];
  readonly key?: readonly string[];
  readonly header?: readonly { readonly name: string; readonly value: string }[];
  readonly where?: string;
  readonly onError: "stop" | "skip";
  readonly rate?: number;
  readonly effects?: true;
  readonly copies?: true;
  readonly allowLoop?: true;
  readonly format: "records" | "envelope";
  readonly reveal?: true;
  readonly id?: string;
  readonly keyType?: PlainKeyType;
  readonly schemas: string;
  readonly sample: number;
}

/** A replay as it would be, and what is missing for it. */
export interface PlannedReplay {
  readonly definition: ReplayDefinition;
  /** The topic to be made; undefined if it is there, or none is needed. */
  readonly missing: TopicSpec | undefined;
  /** Of the job that it goes into. */
  readonly plan: Plan | undefined;
}

/** @throws {MulgilError} TOPIC_UNKNOWN, PARTITION_UNKNOWN, JOB_UNKNOWN, REPLAY_… with what cannot be */
export async function planReplay(log: LogAccess, topic: string, request: ReplayRequest): Promise<PlannedReplay> {
  assertOneTarget(request);
  const known = await partitionsOf(log, topic, undefined);
  const topics = await log.describeTopics();
  const source = topics.find((each) => each.topic === topic)!;
  for (const partition of request.partition ?? []) await partitionsOf(log, topic, partition);
  const partitions = known.filter(({ partition }) => request.partition?.includes(partition) ?? true);
  const { target, missing, plan } = await targetOf(log, source, topics, request);
  const ranges = await rangesOf({ log, partitions, ...rangeEnds(request) });
  const definition: ReplayDefinition = {
    id: request.id ?? randomUUID().slice(0, 8),
    source: { topic, partitions: known.length, incarnation: source.incarnation },
    ...{ ranges, target },
    filter: {
      ...{ keys: request.key ?? [], headers: request.header ?? [], onError: request.onError },
      ...(request.where !== undefined && { where: request.where }),
      hasCopies: request.copies === true,
    },
    hasEffects: request.effects === true,
    ...(request.rate !== undefined && { recordsPerSecond: request.rate }),
    ...(request.keyType !== undefined && { keyType: request.keyType }),
    createdAtMs: systemClock.now(),
  };
  return { definition, missing, plan };
}

function assertOneTarget({ toJob, toTopic, toFile, format, reveal }: ReplayRequest): void {
  const given = [toJob, toTopic, toFile].filter((target) => target !== undefined);
  if (given.length !== 1)
    throw new InvalidArgumentError("Say where to, once: --to-job <job>, --to-topic <topic> or --to-file <file>.");
  if (format !== "records" && toFile === undefined)
    throw new InvalidArgumentError("--format is for --to-file: records in topics stay as they are, byte for byte.");
  if (reveal === true && toFile === undefined)
    throw new InvalidArgumentError("--reveal is for --to-file: records in topics stay as they are, byte for byte.");
}

function rangeEnds({ from, to, since }: ReplayRequest): { readonly from: RangeEnd; readonly to: RangeEnd } {
  const sinceMs = since === undefined ? undefined : systemClock.now() - since;
  return {
    from: sinceMs === undefined ? endOf(from, "earliest") : { atOrAfterMs: sinceMs },
    to: endOf(to, "latest"),
  };
}

function endOf(position: StartPosition | undefined, otherwise: "earliest" | "latest"): RangeEnd {
  if (position === undefined || position.kind === "resume") return otherwise;
  return position.kind === "offset" ? { offset: position.offset } : position.spec;
}

async function targetOf(
  log: LogAccess,
  source: TopicDescription,
  topics: readonly TopicDescription[],
  { toJob, toTopic, toFile, allowLoop, format, reveal }: ReplayRequest,
): Promise<{
  readonly target: ReplayTarget;
  readonly missing: TopicSpec | undefined;
  readonly plan: Plan | undefined;
}> {
  const missingOf = (spec: TopicSpec) => (topics.some(({ topic }) => topic === spec.topic) ? undefined : spec);
  if (toJob !== undefined) {
    const plan = await knownPlan(log, toJob);
    const topic = jobReplayTopic(plan, source.topic);
    const spec = jobReplaySpec(topic, source.partitions);
    assertAsMany(
      topics.find((each) => each.topic === topic),
      source,
    );
    return { target: { kind: "job", job: toJob, topic }, missing: missingOf(spec), plan };
  }
  if (toTopic !== undefined) {
    const plans = [...(await readPlans(log)).values()];
    assertTopicTarget({ source: source.topic, target: toTopic, plans, mayLoop: allowLoop === true });
    return {
      target: { kind: "topic", topic: toTopic },
      missing: missingOf(targetSpec(toTopic, source)),
      plan: undefined,
    };
  }
  return {
    target: { kind: "file", path: path.resolve(toFile!), format, ...(reveal === true && { reveals: true }) },
    missing: undefined,
    plan: undefined,
  };
}

function assertAsMany(found: TopicDescription | undefined, source: TopicDescription): void {
  if (found === undefined || found.partitions === source.partitions) return;
  throw new MulgilError(
    `topic "${found.topic}" has ${found.partitions} partitions but "${source.topic}" has ${source.partitions}, and each record keeps its partition: when the job has processed what is in it, stop the job and delete it; the next replay makes it anew`,
    { code: "REPLAY_PARTITIONS", context: { topic: found.topic } },
  );
}
