import type { Command } from "commander";
import { readMarks } from "../../runtime/ops/dead-letter-marks.ts";
import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import { type Dlq, oneDlq, openDlqs } from "../dlq/dlq.ts";
import { LetterMatcher } from "../dlq/letter-matcher.ts";
import { type LetterView, lettersText, viewLetters } from "../dlq/letter-view.ts";
import { readLetters } from "../dlq/read-letters.ts";
import { type SelectionOptions, selectionOf, selectionOptions } from "../dlq/selection.ts";
import { groupsTable, LetterSummary } from "../dlq/summarize.ts";
import { assertLogExists, type LogLocation, type OpenLog, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { openViewer } from "../read/open-viewer.ts";
import { auditReveal, type RevealOptions, revealOptions, withReason } from "../reveal/reveal.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { addPurge } from "./dlq-purge.ts";
import { addRedrive } from "./dlq-redrive.ts";
import { examples, located, schemasOption } from "./options.ts";

interface ListOptions extends LogLocation {
  readonly output: OutputFormat;
}

interface ShowOptions extends ListOptions, SelectionOptions, RevealOptions {
  readonly schemas: string;
  readonly all?: true;
}

const SHOWN = 20;

export function addDlq(program: Command): void {
  const dlq = program.command("dlq").description("find, look at, redrive and purge what jobs could not process");
  located(dlq.command("ls", { isDefault: true }))
    .description("count the dead letters, by error code and step")
    .argument("[jobs...]", "names of jobs; all if none is given")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil dlq ls", "mulgil dlq ls collect -o json | jq '.[] | select(.open > 0)'"))
    .action(list);
  revealOptions(selectionOptions(located(dlq.command("show"))))
    .description(`show dead letters: where they came from, why, and what they say; the first ${SHOWN} that are open`)
    .argument("<job>")
    .option("--all", "also those that were redriven")
    .addOption(schemasOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        "mulgil dlq show collect --code CALL_AGE --since 2h",
        "mulgil dlq show collect --where 'value.amount > 100000 && step == \"collect\"' -o json",
      ),
    )
    .action(show);
  addRedrive(dlq);
  addPurge(dlq);
}

async function list(names: readonly string[], { output, ...where }: ListOptions): Promise<void> {
  assertLogExists(where);
  const groups = await withLog(where, async (open) => {
    const summary = new LetterSummary();
    for (const dlq of await openDlqs(open.log, names)) await summarize(open, dlq, summary);
    return summary.groups;
  });
  await printFormatted(groups, output, (found) => (found.length === 0 ? "no dead letters" : groupsTable(found)));
}

async function summarize({ log, registry }: OpenLog, dlq: Dlq, summary: LetterSummary): Promise<void> {
  const { job, topic } = dlq;
  const marks = await readMarks(log, job, topic.incarnation);
  const progress = new WorkProgress(`dead letters of ${job} read`);
  const schemas = new TopicSchemas({ registry, schemasDir: "./schemas" });
  const matcher = new LetterMatcher({ selection: selectionOf({}), registry, schemas });
  const onProgress = (done: number, total: number) => progress.show(done, total);
  try {
    for await (const letters of readLetters({ log, dlq, matcher, onProgress })) summary.add(job, letters, marks);
  } finally {
    progress.close();
  }
}

async function show(job: string, given: ShowOptions): Promise<void> {
  assertLogExists(given);
  const options = await withReason(given);
  const { output, schemas: schemasDir, all } = options;
  const selection = selectionOf({ limit: SHOWN, ...options });
  const shown = await withLog(options, async ({ log, registry }) => {
    const dlq = await oneDlq(log, job);
    const marks = await readMarks(log, job, dlq.topic.incarnation);
    const schemas = new TopicSchemas({ registry, schemasDir });
    const viewer = openViewer({ registry }, options);
    await auditReveal(log, `dead letters of job ${job}`, options);
    const matcher = new LetterMatcher({ selection, registry, schemas });
    const isWanted = (letter: DeadLetter) => {
      const mark = marks.of(letter);
      return mark === undefined || (mark === "redriven" && all === true);
    };
    const views: LetterView[] = [];
    for await (const letters of readLetters({ log, dlq, matcher, isWanted }))
      views.push(...(await viewLetters(letters, viewer, (letter) => marks.of(letter))));
    matcher.tellFailures();
    return views;
  });
  await printFormatted(shown, output, (found) => (found.length === 0 ? "no such dead letters" : lettersText(found)));
}
