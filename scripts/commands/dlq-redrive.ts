import { type Command, InvalidArgumentError, Option } from "commander";
import { readMarks } from "../../runtime/ops/dead-letter-marks.ts";
import type { LetterTransform } from "../../runtime/ops/letter-transform.ts";
import { DeadLetterDesk } from "../../runtime/ops/redrive.ts";
import { REFUSALS, type RedriveRules } from "../../runtime/ops/redrive-target.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { type Dlq, oneDlq } from "../dlq/dlq.ts";
import { ensureTargets } from "../dlq/ensure-targets.ts";
import { LetterMatcher } from "../dlq/letter-matcher.ts";
import { readLetters } from "../dlq/read-letters.ts";
import { LetterRedrive, type RedriveResult } from "../dlq/redrive-letters.ts";
import { RedriveSurvey } from "../dlq/redrive-survey.ts";
import { type SelectionOptions, selectionOf, selectionOptions } from "../dlq/selection.ts";
import { Transformer } from "../dlq/transform.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import { assertLogExists, type LogLocation, type OpenLog, withLog } from "../environment/open-log.ts";
import { loadFunction } from "../job-files/load-module.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { openViewer } from "../read/open-viewer.ts";
import type { RecordViewer } from "../read/record-view.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { examples, located, positiveInteger, schemasOption } from "./options.ts";

interface RedriveOptions extends LogLocation, SelectionOptions, ChangeOptions {
  readonly target: RedriveRules["to"];
  readonly transform?: string;
  readonly sample: number;
  readonly rate: number;
  readonly attemptsMax: number;
  readonly schemas: string;
}

const RATE = 1_000;

export function addRedrive(dlq: Command): void {
  changeOptions(selectionOptions(located(dlq.command("redrive"))))
    .description("send dead letters back to where they came from; each once, also if it is interrupted and begun again")
    .argument("<job>")
    .addOption(
      new Option("--target <where>", "seen by this job alone, or by all who read the source topic")
        .choices(["replay", "source"])
        .default("replay"),
    )
    .option("--transform <file>", "a module that mends them: export default (letter) => ({ ...letter, value: … })")
    .addOption(
      new Option("--sample <n>", "letters of each code that the transform is tried on and shown first")
        .default(5)
        .argParser(positiveInteger),
    )
    .addOption(new Option("--rate <n/s>", "no more a second").default(RATE, `${RATE}/s`).argParser(perSecond))
    .addOption(
      new Option("--attempts-max <n>", "what was redriven so often stays").default(3).argParser(positiveInteger),
    )
    .addOption(schemasOption())
    .addHelpText(
      "after",
      examples(
        "mulgil dlq redrive collect --code CALL_AGE --dry-run",
        'mulgil dlq redrive collect --code CALL_AGE --rate 500/s --yes --why "the bank is back"',
        'mulgil dlq redrive standardise --transform fix-dates.ts --why "dates of the new branch"',
      ),
    )
    .action(redrive);
}

interface Redrive {
  readonly open: OpenLog;
  readonly dlq: Dlq;
  readonly matcher: LetterMatcher;
  readonly viewer: RecordViewer;
  readonly rules: RedriveRules;
  readonly transformer: Transformer | undefined;
}

async function redrive(job: string, options: RedriveOptions): Promise<void> {
  assertLogExists(options);
  const selection = selectionOf(options);
  const mend = options.transform === undefined ? undefined : await loadFunction(options.transform);
  const redriving = async (open: OpenLog) => {
    const { log, registry } = open;
    const [plan, dlq, topics] = [await knownPlan(log, job), await oneDlq(log, job), await log.describeTopics()];
    const schemas = new TopicSchemas({ registry, schemasDir: options.schemas });
    const redriven: Redrive = {
      ...{ open, dlq, matcher: new LetterMatcher({ selection, registry, schemas }) },
      viewer: openViewer({ registry }, { schemas: options.schemas }),
      transformer: mend === undefined ? undefined : new Transformer(registry, mend as LetterTransform),
      rules: {
        ...{ plan, to: options.target, attemptsMax: options.attemptsMax },
        partitionCounts: new Map(topics.map(({ topic, partitions }) => [topic, partitions])),
      },
    };
    await previewed(redriven, options);
  };
  // Letters are mended one by one while others go back already; what else needs schemas needs them for the look before.
  await withLog(options, redriving, { needsRegistry: mend !== undefined });
}

async function previewed(redrive: Redrive, options: RedriveOptions): Promise<void> {
  const survey = await surveyed(redrive, options);
  const { job } = redrive.dlq;
  const { selection } = redrive.matcher;
  redrive.matcher.tellFailures();
  if (survey.codes.total === 0) {
    process.stdout.write(
      `nothing to redrive\n${survey.lines
        .slice(1)
        .map((line) => `${line}\n`)
        .join("")}`,
    );
    return;
  }
  const { transform, target } = options;
  const result = await carryOut(
    redrive.open.log,
    {
      action: "dlq redrive",
      target: `job ${job}`,
      preview: survey.lines,
      before: { selection: selection.text, open: survey.codes },
      after: { target, ...(transform !== undefined && { transform }) },
      apply: () => applied(redrive, survey, options),
      outcome: (done) => ({ target, ...(transform !== undefined && { transform }), ...done }),
    },
    options,
  );
  if (result !== undefined) process.stdout.write(`${resultLines(result).join("\n")}\n`);
}

async function surveyed(redrive: Redrive, { sample, dryRun }: RedriveOptions): Promise<RedriveSurvey> {
  const { open, dlq } = redrive;
  const marks = await readMarks(open.log, dlq.job, dlq.topic.incarnation);
  const survey = new RedriveSurvey({ ...redrive, sample, isWholeTried: dryRun === true });
  const progress = new WorkProgress("dead letters looked at");
  const onProgress = (done: number, total: number) => progress.show(done, total);
  const isWanted = (letter: { partition: number; offset: number }) => marks.of(letter) === undefined;
  try {
    for await (const letters of readLetters({ ...redrive, log: open.log, isWanted, onProgress }))
      await survey.add(letters);
  } finally {
    progress.close();
  }
  return survey;
}

async function applied(redrive: Redrive, survey: RedriveSurvey, { rate }: RedriveOptions): Promise<RedriveResult> {
  const { open, dlq, rules, transformer } = redrive;
  const { log } = open;
  await ensureTargets(
    log,
    rules,
    survey.topics.entries.map(([topic]) => topic),
  );
  const desk = await DeadLetterDesk.open(log, dlq.job, dlq.topic.incarnation);
  const stop = new AbortController();
  const detach = onStopSignals(() => stop.abort());
  const progress = new WorkProgress("dead letters redriven");
  const { signal } = stop;
  const onWritten = (done: number) => progress.show(done, survey.codes.total);
  const letters = new LetterRedrive({ desk, rules, transformer, rate, clock: systemClock, signal, onWritten });
  const isWanted = (letter: { partition: number; offset: number }) => desk.marks.of(letter) === undefined;
  try {
    for await (const some of readLetters({ ...redrive, log, isWanted, signal })) await letters.add(some);
    if (!signal.aborted) await letters.flush();
  } finally {
    progress.close();
    detach();
    await desk.close();
  }
  if (signal.aborted) throw interrupted(letters.result);
  return letters.result;
}

const interrupted = ({ redriven }: RedriveResult): MulgilError =>
  new MulgilError(
    `it was interrupted: ${count(redriven.total)} dead letters were redriven, the others are untouched; the same command goes on`,
    { code: "INTERRUPTED" },
  );

const resultLines = ({ redriven, refused, skipped, failed }: RedriveResult): readonly string[] => [
  `${count(redriven.total)} dead letters redriven: ${redriven.text}`,
  ...(skipped.total === 0 ? [] : [`${count(skipped.total)} left in the DLQ by the transform: ${skipped.text}`]),
  ...failed.entries.map(([reason, letters]) => `${count(letters)} stay, the transform failed: ${reason}`),
  ...refused.entries.map(([why, letters]) => `${count(letters)} stay: ${REFUSALS[why]}`),
];

const count = (value: number): string => value.toLocaleString("en-US");

/** "500/s" or "500". */
function perSecond(text: string): number {
  const [, number] = /^(\d+)(?:\/s)?$/.exec(text) ?? [];
  if (number === undefined || Number(number) < 1) throw new InvalidArgumentError("Write a rate like 500/s.");
  return Number(number);
}
