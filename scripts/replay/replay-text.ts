import ms from "ms";
import type { ReplayDefinition, ReplayTarget } from "../../runtime/ops/replay/replay-definition.ts";
import type { ReplaySample } from "../../runtime/ops/replay/replay-sample.ts";
import type { TransferCounts } from "../../runtime/ops/transfer/progress.ts";
import { offsetsIn } from "../../runtime/ops/transfer/ranges.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import type { PlannedReplay } from "./replay-request.ts";

const number = (value: number): string => value.toLocaleString("en-US");
const records = (count: number): string => (count === 1 ? "1 record" : `${number(count)} records`);

export const targetText = (target: ReplayTarget): string => {
  if (target.kind === "job") return `job ${target.job}`;
  return target.kind === "topic" ? `topic ${target.topic}` : target.path;
};

/** What a replay would do, a line each, for a person who has to say yes. */
export function replayPreview({ definition, missing, plan }: PlannedReplay, sample: ReplaySample): readonly string[] {
  const { source, ranges, target, recordsPerSecond } = definition;
  const about = sample.isWhole ? "" : "about ";
  const looked = sample.isWhole ? "" : `, as ${number(sample.meant)} of the first ${number(sample.records)} are meant`;
  return [
    `${about}${records(sample.meantInAll)} of topic ${source.topic} would be replayed to ${targetText(target)}${looked}`,
    ...ranges.map(({ partition, from, to }) => `  partition ${partition}: offsets ${from} to ${to - 1}`),
    ...(ranges.length === 0 ? ["  there is nothing in that range"] : []),
    ...(sample.copies > 0
      ? [`  ${records(sample.copies)} came there by a replay and would be left out; --copies takes them, too`]
      : []),
    ...(sample.failed > 0 ? [`  the filter fails on ${records(sample.failed)}, which would be left out`] : []),
    ...(target.kind === "file" && target.reveals === true
      ? ["  personal data would be in the file as it is, which is recorded"]
      : []),
    ...(missing === undefined ? [] : [`  topic ${missing.topic} would be made, with ${missing.partitions} partitions`]),
    ...(plan === undefined ? [] : jobLines(plan, definition)),
    ...(recordsPerSecond === undefined ? [] : [rateLine(recordsPerSecond, sample.meantInAll)]),
  ];
}

const rateLine = (perSecond: number, meant: number): string =>
  `  at most ${number(perSecond)} a second: ${ms(Math.ceil((meant / perSecond) * 1_000))} at least`;

function jobLines(plan: Plan, { hasEffects, source }: ReplayDefinition): readonly string[] {
  const sinks = plan.topics.filter(({ role }) => role === "sink").map(({ topic }) => topic);
  const calls = plan.subTopologies.flatMap(({ call }) => (call === undefined ? [] : [call.node]));
  const hasWindows = plan.subTopologies.some(({ stores }) => stores.some(({ kind }) => kind === "window"));
  return [
    ...(sinks.length > 0 ? [`  what job ${plan.job} makes of them goes to ${sinks.join(", ")}, once more`] : []),
    ...(hasWindows
      ? [
          "  the job has windows: records of windows that have closed since are late, and change nothing but the count of late records",
        ]
      : []),
    ...(plan.subTopologies.some(({ stores }) => stores.length > 0)
      ? [
          `  its state has counted them already if it has read them: to count them instead of what there is, reset the job (mulgil reset ${plan.job})`,
        ]
      : []),
    ...(calls.length > 0
      ? [
          hasEffects
            ? `  step ${calls.join(", ")} calls for them, as for any record of ${source.topic}`
            : `  step ${calls.join(", ")} does not call for them: they end there; --effects has it call`,
        ]
      : []),
  ];
}

export function doneText({ id, target }: ReplayDefinition, counts: TransferCounts): string {
  const left = [
    ...(counts.failed > 0 ? [`${records(counts.failed)} left out because the filter failed`] : []),
    ...(counts.copies > 0 ? [`${records(counts.copies)} left out because they were replayed before`] : []),
  ];
  const more = left.length === 0 ? "" : ` (${left.join(", ")})`;
  const hint = target.kind === "job" ? "; its workers begin with them within seconds" : "";
  return `replay ${id} is done: ${records(counts.written)} of ${number(counts.records)} written to ${targetText(target)}${more}${hint}`;
}

/** "42%" */
export function percentText({ ranges }: ReplayDefinition, positions: ReadonlyMap<number, number> | undefined): string {
  const total = offsetsIn(ranges);
  const passed = ranges.reduce((sum, { partition, from }) => sum + ((positions?.get(partition) ?? from) - from), 0);
  return total === 0 ? "100%" : `${Math.floor((100 * passed) / total)}%`;
}
