import type { Command } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { readMarks } from "../../runtime/ops/dead-letter-marks.ts";
import { DeadLetterDesk } from "../../runtime/ops/redrive.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { type Dlq, oneDlq } from "../dlq/dlq.ts";
import { LetterMatcher } from "../dlq/letter-matcher.ts";
import { type Purge, planPurge } from "../dlq/plan-purge.ts";
import { type Selection, type SelectionOptions, selectionOf, selectionOptions } from "../dlq/selection.ts";
import { assertLogExists, type LogLocation, type OpenLog, withLog } from "../environment/open-log.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { examples, located, schemasOption } from "./options.ts";

interface PurgeOptions extends LogLocation, SelectionOptions, ChangeOptions {
  readonly redriven?: true;
  readonly schemas: string;
}

const MARKS_AT_ONCE = 1_000;

export function addPurge(dlq: Command): void {
  changeOptions(selectionOptions(located(dlq.command("purge"))))
    .description("delete dead letters: all of a job, or those that are selected")
    .argument("<job>")
    .option("--redriven", "only those that were redriven")
    .addOption(schemasOption())
    .addHelpText(
      "after",
      examples(
        "mulgil dlq purge collect --redriven --dry-run",
        'mulgil dlq purge collect --to 30d --yes --why "nobody asks for these any more"',
      ),
    )
    .action(purge);
}

async function purge(job: string, options: PurgeOptions): Promise<void> {
  assertLogExists(options);
  const selection = selectionOf(options);
  await withLog(options, async (open) => {
    const dlq = await oneDlq(open.log, job);
    const planned = await plannedPurge(open, dlq, selection, options);
    if (planned.codes.total === 0) {
      process.stdout.write("nothing to purge\n");
      return;
    }
    const done = await carryOut(
      open.log,
      {
        action: "dlq purge",
        target: `job ${job}`,
        preview: previewOf(planned, dlq),
        before: { selection: selection.text, letters: planned.codes, open: planned.open },
        after: { deleted: planned.codes.total - planned.marked.length, marked: planned.marked.length },
        apply: () => applied(open.log, dlq, planned),
      },
      options,
    );
    if (done !== undefined) process.stdout.write(`${count(planned.codes.total)} dead letters purged\n`);
  });
}

async function plannedPurge(
  { log, registry }: OpenLog,
  dlq: Dlq,
  selection: Selection,
  { redriven, schemas: schemasDir }: PurgeOptions,
): Promise<Purge> {
  const marks = await readMarks(log, dlq.job, dlq.topic.incarnation);
  const schemas = new TopicSchemas({ registry, schemasDir });
  const matcher = new LetterMatcher({ selection, registry, schemas });
  const progress = new WorkProgress("dead letters looked at");
  const onProgress = (done: number, total: number) => progress.show(done, total);
  try {
    return await planPurge({ log, dlq, matcher, isRedriven: redriven === true, marks, onProgress });
  } finally {
    progress.close();
    matcher.tellFailures();
  }
}

function previewOf({ codes, open, marked }: Purge, { topic }: Dlq): readonly string[] {
  const deleted = codes.total - marked.length;
  return [
    `${count(codes.total)} dead letters of ${topic.topic} would be purged: ${codes.text}`,
    ...(open === 0 ? [] : [`  ${count(open)} of them were never redriven: what they hold is lost`]),
    ...(deleted === 0 ? [] : [`  ${count(deleted)} are deleted`]),
    ...(marked.length === 0
      ? []
      : [
          `  ${count(marked.length)} lie behind others that stay. A log deletes from its beginning only: they are marked, and ls, show and redrive pass over them; they are deleted with those in front`,
        ]),
  ];
}

/** In this order, so that whatever a crash leaves is right: what is marked may be there, what is gone needs no mark. */
async function applied(log: LogAccess, dlq: Dlq, { marked, deletedBefore }: Purge): Promise<true> {
  const desk = await DeadLetterDesk.open(log, dlq.job, dlq.topic.incarnation);
  try {
    for (let from = 0; from < marked.length; from += MARKS_AT_ONCE)
      await desk.purge(marked.slice(from, from + MARKS_AT_ONCE), systemClock.now());
    await log.deleteRecords(deletedBefore);
    for (const before of deletedBefore) await desk.forgetBefore(before, systemClock.now());
  } finally {
    await desk.close();
  }
  return true;
}

const count = (value: number): string => value.toLocaleString("en-US");
