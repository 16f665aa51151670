import type { MovedPosition, ResetPlan } from "../../runtime/ops/reset/reset-plan.ts";
import { table } from "../output/table.ts";
import { number } from "../run/progress.ts";

/** What a reset would do, for whoever has to say yes to it. */
export function resetPreview(reset: ResetPlan): readonly string[] {
  const { plan, positions, emptied, outputs, keepsState, isFromStart } = reset;
  const hasState = plan.subTopologies.some(({ stores }) => stores.length > 0);
  const again = positions.reduce((sum, { from, to }) => sum + Math.max(0, from - to), 0);
  const skipped = positions.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
  const writes = outputs.length === 0 ? "" : `, and written again to ${outputs.join(", ")}, where what is there stays`;
  return [
    positionsTable(positions),
    ...(again > 0 ? [`up to ${number(again)} records are read again${writes}`] : []),
    ...(skipped > 0 ? [`up to ${number(skipped)} records are left out that the job has not read`] : []),
    ...(again + skipped === 0 ? ["no position moves"] : []),
    ...(emptied.length > 0 ? ["these topics of the job are emptied:"] : []),
    ...emptied.map(({ topic, records }) => `  ${topic} (${number(records)} offsets)`),
    ...(keepsState && hasState && again > 0 ? ["the state stays: what is read again is added to it once more"] : []),
    ...(!keepsState && hasState && !isFromStart
      ? ["the state begins empty: it will lack what came before the new positions, also who is to be forgotten"]
      : []),
  ];
}

const positionsTable = (positions: readonly MovedPosition[]): string =>
  table(
    ["source", "position", "to"],
    positions.map(({ topic, partition, from, to }) => [`${topic}/${partition}`, String(from), String(to)]),
    ["position", "to"],
  );
