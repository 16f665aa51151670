import { type Command, InvalidArgumentError, Option } from "commander";
import { fieldPaths, timeBound } from "../compare/compare-options.ts";
import { EXIT } from "../environment/exit-codes.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { auditReveal, type RevealOptions, revealOptions, withReason } from "../reveal/reveal.ts";
import type { PlainKeyType } from "../topics/topic-schemas.ts";
import { examples, keyTypeOption, located, nonNegativeInteger, schemasOption } from "./options.ts";

interface CompareOptions extends LogLocation, RevealOptions {
  readonly events?: true;
  readonly from?: number;
  readonly to?: number;
  readonly ignore: readonly string[];
  readonly limit: number;
  readonly keyType?: PlainKeyType;
  readonly schemas: string;
  readonly output: OutputFormat;
}

const LIMIT = 10;

export function addCompare(program: Command): void {
  revealOptions(located(program.command("compare")))
    .description("compare what two topics say: the latest value of each key; ends with 3 if they differ")
    .argument("<topic>")
    .argument("<other>")
    .option("--events", "compare all records instead: how many times each key occurs with each value")
    .addOption(
      new Option(
        "--from <time>",
        "only records from then on, by timestamp: a time, or a duration ago like 2h",
      ).argParser(timeBound("earliest")),
    )
    .addOption(
      new Option("--to <time>", "only records before, by timestamp: a time, or a duration ago").argParser(
        timeBound("latest"),
      ),
    )
    .addOption(
      new Option("--ignore <fields>", "fields that may differ, like updatedAt,address.changedAt")
        .default([], "none")
        .argParser(fieldPaths),
    )
    .addOption(new Option("-n, --limit <n>", "show so many differences").default(LIMIT).argParser(nonNegativeInteger))
    .addOption(keyTypeOption("how keys are shown, where no schema says it"))
    .addOption(schemasOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        "mulgil compare totals totals.green",
        "mulgil compare totals totals.green --to 2026-03-01T00:00:00Z --ignore computedAt",
        "mulgil compare alerts alerts.green --events --limit 50",
        "mulgil compare totals totals.green -o json | jq '.differences[].key'",
      ),
    )
    .action(compare);
}

async function compare(left: string, right: string, given: CompareOptions): Promise<void> {
  if (left === right) throw new InvalidArgumentError("These are the same topic: name two.");
  const { from: fromMs = Number.NEGATIVE_INFINITY, to: toMs = Number.POSITIVE_INFINITY } = given;
  if (fromMs >= toMs) throw new InvalidArgumentError("--from has to be before --to.");
  assertLogExists(given);
  const options = await withReason(given);
  const { compareOnLog } = await import("../compare/compare-on-log.ts");
  const { comparisonText } = await import("../compare/compare-text.ts");
  const { onTemporaryDisk } = await import("../compare/temporary-disk.ts");
  const comparison = await onTemporaryDisk((disk, signal) =>
    withLog(options, async (open) => {
      await auditReveal(open.log, `topics ${left} and ${right}, at most ${options.limit} keys`, options);
      const { events, from, to, ignore, limit, keyType, schemas, reveal } = options;
      return await compareOnLog(open, {
        ...{ left, right, by: events ? "events" : "keys", fromMs: from, toMs: to, ignored: ignore },
        ...{ differencesMax: limit, keyType, schemas, reveal, disk, signal },
      });
    }),
  );
  await printFormatted(comparison, options.output, comparisonText);
  if (!comparison.isEqual) process.exitCode = EXIT.found;
}
