import type { ReplaySample } from "../../runtime/ops/replay/replay-sample.ts";
import type { KnownReplay } from "../../runtime/ops/replay/replay-store.ts";
import { readProgress } from "../../runtime/ops/transfer/progress.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type ChangeOptions, carryOut } from "../change/change.ts";
import type { OpenLog } from "../environment/open-log.ts";
import { auditFile, carryReplay, defineReplay, viewerOf } from "./carry-replay.ts";
import type { PlannedReplay } from "./replay-request.ts";
import { doneText, percentText, replayPreview, targetText } from "./replay-text.ts";

interface ConfirmOptions extends ChangeOptions {
  readonly schemas: string;
}

/** Shows what a replay would do, has it confirmed, and runs it to its end. */
export async function begin(
  open: OpenLog,
  planned: PlannedReplay,
  found: ReplaySample,
  options: ConfirmOptions,
): Promise<void> {
  const { definition } = planned;
  const samples = await viewerOf(open, definition, options.schemas).view(found.samples);
  const counts = await carryOut(
    open.log,
    {
      action: "replay",
      target: `topic ${definition.source.topic} to ${targetText(definition.target)}`,
      preview: [...replayPreview(planned, found), ...samples.map((view) => `  ${JSON.stringify(view)}`)],
      after: auditOf(definition),
      apply: async ({ why }) => {
        await auditFile(open.log, definition, why);
        const replay = await defineReplay(open.log, planned);
        process.stderr.write(
          `replay ${definition.id}: if it is interrupted, mulgil replay resume ${definition.id} goes on\n`,
        );
        return await carryReplay(open, replay, options.schemas);
      },
    },
    changeOf(options),
  );
  if (counts !== undefined) process.stdout.write(`${doneText(definition, counts)}\n`);
}

/** The same for a replay that was begun before. */
export async function goOn(open: OpenLog, replay: KnownReplay, options: ConfirmOptions): Promise<void> {
  const { definition, status } = replay;
  const { id, source, ranges, target } = definition;
  if (status === "done") {
    process.stdout.write(`replay ${id} is done already, and nothing was written\n`);
    return;
  }
  const progress = await readProgress(open.log, { id, topic: source.topic, ranges });
  const counts = await carryOut(
    open.log,
    {
      action: "replay resume",
      target: `replay ${id}, topic ${source.topic} to ${targetText(target)}`,
      preview: [
        `replay ${id} of topic ${source.topic} to ${targetText(target)} would go on from ${percentText(definition, progress?.positions)}`,
      ],
      before: { status, ...progress?.counts },
      apply: async ({ why }) => {
        await auditFile(open.log, definition, why);
        return await carryReplay(open, replay, options.schemas);
      },
    },
    changeOf(options),
  );
  if (counts !== undefined) process.stdout.write(`${doneText(definition, counts)}\n`);
}

export const withRate = (replay: KnownReplay, recordsPerSecond: number | undefined): KnownReplay =>
  recordsPerSecond === undefined ? replay : { ...replay, definition: { ...replay.definition, recordsPerSecond } };

/** For the audit trail: what is replayed, without a word of what is in it. */
const auditOf = ({ id, ranges, filter, target, hasEffects, recordsPerSecond }: PlannedReplay["definition"]) => ({
  ...{ id, hasEffects, recordsPerSecond },
  ...(target.kind === "file" && { format: target.format, reveals: target.reveals === true }),
  ranges: ranges.map(({ partition, from, to }) => `${partition}: ${from} to ${to - 1}`),
  filters: [
    ...(filter.keys.length > 0 ? ["key"] : []),
    ...(filter.headers.length > 0 ? ["header"] : []),
    ...(filter.where === undefined ? [] : ["where"]),
  ],
});

/** @throws {MulgilError} REPLAY_ID_TAKEN */
export function sameReplay(before: KnownReplay, { definition }: PlannedReplay): KnownReplay {
  const own = before.definition;
  const isSame =
    own.source.topic === definition.source.topic &&
    JSON.stringify(own.target) === JSON.stringify(definition.target) &&
    JSON.stringify(own.filter) === JSON.stringify(definition.filter) &&
    own.hasEffects === definition.hasEffects;
  if (isSame) return before;
  throw new MulgilError(
    `there is a replay "${definition.id}" already, and it is another one (of topic ${own.source.topic}): give this one another --id, or go on with that by mulgil replay resume ${definition.id}`,
    { code: "REPLAY_ID_TAKEN" },
  );
}

const changeOf = ({ dryRun, yes, why }: ChangeOptions): ChangeOptions => ({
  ...(dryRun && { dryRun }),
  ...(yes && { yes }),
  ...(why !== undefined && { why }),
});
