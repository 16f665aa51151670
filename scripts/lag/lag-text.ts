import { age, count } from "../../runtime/ops/doctor/words.ts";
import { table } from "../output/table.ts";
import type { LagBy, LagView } from "./lag-view.ts";

const RIGHT = ["position", "end", "lag", "age", "committed", "in/s", "out/s", "caught up"];

/** For people: a line a partition, task or job. */
export function lagText(views: readonly LagView[], by: LagBy): string {
  const hasTrend = views.some(({ inPerSecond }) => inPerSecond !== undefined);
  const head = [
    "job",
    ...(by === "job" ? [] : ["task"]),
    ...(by === "partition" ? ["partition", "position", "end"] : []),
    ...["lag", "age", "committed", "verdict"],
    ...(hasTrend ? ["in/s", "out/s", "caught up"] : []),
  ];
  const rows = views.map((view) => [
    view.job,
    ...(by === "job" ? [] : [view.task!]),
    ...(by === "partition" ? [`${view.topic}/${view.partition}`, String(view.position), String(view.endOffset)] : []),
    ...[count(view.lag), ageOf(view.lagMs), ageOf(view.commitAgeMs), view.verdict ?? "-"],
    ...(hasTrend ? trendCells(view) : []),
  ]);
  return table(head, rows, RIGHT);
}

function trendCells({ inPerSecond = 0, outPerSecond = 0, catchUpMs }: LagView): readonly string[] {
  const caughtUp = catchUpMs === undefined ? "not at this rate" : catchUpMs === 0 ? "now" : `in ${age(catchUpMs)}`;
  return [count(inPerSecond), count(outPerSecond), caughtUp];
}

const ageOf = (durationMs: number | undefined): string => (durationMs === undefined ? "-" : age(durationMs));
