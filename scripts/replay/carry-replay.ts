import type { LogAccess } from "../../runtime/log/port.ts";
import type { FileFormat, ReplayDefinition } from "../../runtime/ops/replay/replay-definition.ts";
import { type KnownReplay, rememberReplay } from "../../runtime/ops/replay/replay-store.ts";
import { isOver, runReplay } from "../../runtime/ops/replay/run-replay.ts";
import { makeFile } from "../../runtime/ops/transfer/file-target.ts";
import type { TransferCounts, TransferProgress } from "../../runtime/ops/transfer/progress.ts";
import { offsetsIn } from "../../runtime/ops/transfer/ranges.ts";
import type { TransferRecord } from "../../runtime/ops/transfer/transfer.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { OpenLog } from "../environment/open-log.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { openViewer } from "../read/open-viewer.ts";
import type { RecordViewer } from "../read/record-view.ts";
import { auditReveal } from "../reveal/reveal.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import type { PlannedReplay } from "./replay-request.ts";
import { percentText, targetText } from "./replay-text.ts";

/** Makes what a replay needs, and remembers it. */
export async function defineReplay(log: LogAccess, { definition, missing }: PlannedReplay): Promise<KnownReplay> {
  if (missing !== undefined) await log.ensureTopics([missing]);
  if (definition.target.kind === "file") await makeFile(definition.target.path);
  const replay: KnownReplay = {
    definition,
    status: "defined",
    hasPositions: false,
    changedAtMs: definition.createdAtMs,
  };
  await rememberReplay(log, replay);
  return replay;
}

/** Runs a replay with its progress on stderr, until it is done or somebody stops it. @throws {MulgilError} REPLAY_INTERRUPTED */
export async function carryReplay(
  { log, registry }: OpenLog,
  replay: KnownReplay,
  schemasDir: string,
): Promise<TransferCounts> {
  const { definition } = replay;
  const stop = new AbortController();
  const detach = onStopSignals(() => stop.abort());
  const shown = new WorkProgress("records read");
  const total = offsetsIn(definition.ranges);
  const viewer = writerOf(registry, definition, schemasDir);
  let progress: TransferProgress;
  try {
    progress = await runReplay({
      ...{ log, registry, replay, clock: systemClock, signal: stop.signal },
      onProgress: ({ positions }) => shown.show(passed(definition, positions), total),
      linesOf: (records, format) => linesOf(viewer, records, format),
    });
  } finally {
    shown.close();
    detach();
  }
  if (isOver(definition, progress)) return progress.counts;
  const { written } = progress.counts;
  throw new MulgilError(
    `replay ${definition.id} was interrupted at ${percentText(definition, progress.positions)}, ${written} records are written: go on with mulgil replay resume ${definition.id}`,
    { code: "REPLAY_INTERRUPTED" },
  );
}

const passed = ({ ranges }: ReplayDefinition, positions: TransferProgress["positions"]): number =>
  ranges.reduce((sum, { partition, from }) => sum + (positions.get(partition) ?? from) - from, 0);

/** Of what is shown of records before they are replayed. */
export const viewerOf = (
  { registry }: Pick<OpenLog, "registry">,
  { keyType }: ReplayDefinition,
  schemas: string,
): RecordViewer => openViewer({ registry }, { schemas, keyType });

/** Of what comes into a file. */
const writerOf = (
  registry: OpenLog["registry"],
  { keyType, target }: ReplayDefinition,
  schemas: string,
): RecordViewer => openViewer({ registry }, { schemas, keyType, ...(isRevealing(target) && { reveal: true }) });

const isRevealing = (target: ReplayDefinition["target"]): boolean => target.kind === "file" && target.reveals === true;

/** Before anything personal comes into a file. @throws {MulgilError} CHANGE_REASON_MISSING */
export async function auditFile(log: LogAccess, { id, source, target }: ReplayDefinition, why: string): Promise<void> {
  if (!isRevealing(target)) return;
  await auditReveal(log, `topic ${source.topic}, by replay ${id} to ${targetText(target)}`, { reveal: true, why });
}

/** "records": as `mulgil read` prints them. "envelope": as `mulgil write --envelope` takes them, which refuses those with something hidden. */
async function linesOf(
  viewer: RecordViewer,
  records: readonly TransferRecord[],
  format: FileFormat,
): Promise<readonly string[]> {
  const views = await viewer.view(records);
  if (format === "records") return views.map((view) => JSON.stringify(view));
  return views.map(({ key, value, timestamp, headers, masked }) =>
    JSON.stringify({ key, value, timestamp, headers, masked }),
  );
}
