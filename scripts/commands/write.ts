import path from "node:path";
import { styleText } from "node:util";
import { type Command, Option } from "commander";
import { createLogUpdate } from "log-update";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type LogLocation, withLogAndRegistry } from "../environment/open-log.ts";
import { type Input, type InputFormat, openInput } from "../input/open-input.ts";
import { TextOutput } from "../output/text-output.ts";
import { number } from "../run/progress.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import { type WriteResult, writeInput } from "../write/write-input.ts";
import { dataDirOption, examples, kafkaOption, registryOption, schemasOption } from "./options.ts";

interface WriteOptions extends LogLocation {
  readonly file: string;
  readonly schemas: string;
  readonly schema?: string;
  readonly format?: InputFormat;
  readonly envelope?: true;
  readonly rejects?: string;
  readonly strict?: true;
  readonly output: "text" | "json";
}

export function addWrite(program: Command): void {
  program
    .command("write")
    .description("write the rows of a file to a topic; it is created if it is missing")
    .argument("<topic>")
    .requiredOption("-f, --file <file>", "NDJSON or CSV with a header, plain or gzip; - for stdin")
    .addOption(dataDirOption())
    .addOption(kafkaOption())
    .addOption(registryOption())
    .option("--schema <file>", "the schema of the values (.avsc); else the registry's, else that of --schemas")
    .addOption(schemasOption())
    .addOption(
      new Option("--format <format>", "instead of what the file's name or first character says").choices([
        "ndjson",
        "csv",
      ]),
    )
    .option("--envelope", "rows are { key, value, timestamp, headers }, as mulgil read prints them")
    .option("--rejects <file>", "where rows go that cannot be read (./<file>.rejects.ndjson)")
    .option(
      "--strict",
      "refuse rows with fields that the schema does not have, and exit with 1 if any row was rejected",
    )
    .addOption(new Option("-o, --output <format>", "of the summary").choices(["text", "json"]).default("text"))
    .addHelpText(
      "after",
      examples(
        "mulgil write bank.raw-transactions --file transactions.csv.gz",
        "mulgil write shop.orders --file - --schema orders.avsc < orders.ndjson",
        "mulgil read shop.orders | mulgil write shop.orders-copy --file - --envelope --schema orders.avsc",
      ),
    )
    .action(write);
}

async function write(topic: string, options: WriteOptions): Promise<void> {
  const input = await openInput(options.file, { format: options.format, stdin: process.stdin });
  const stop = new AbortController();
  const detach = onStopSignals(() => stop.abort());
  const progress = writeProgress(input);
  try {
    const result = await withLogAndRegistry(options, ({ log, registry }) =>
      writeInput({
        log,
        registry,
        topic,
        input,
        schemasDir: options.schemas,
        schemaFile: options.schema,
        isEnvelope: options.envelope === true,
        isStrict: options.strict === true,
        rejectsFile: options.rejects ?? `${path.basename(input.name)}.rejects.ndjson`,
        now: systemClock.now,
        say: progress.say,
        signal: stop.signal,
        onWritten: progress.show,
      }),
    );
    progress.clear();
    await report(result, options.output, input.name);
    if (stop.signal.aborted)
      throw new MulgilError(`stopped by a signal after ${result.written} records, which are written`, {
        code: "INTERRUPTED",
      });
    if (options.strict && result.rejected > 0)
      throw new MulgilError(`${result.rejected} rows were rejected (--strict)`, { code: "ROWS_REJECTED" });
  } finally {
    progress.clear();
    detach();
  }
}

async function report(result: WriteResult, output: WriteOptions["output"], name: string): Promise<void> {
  const out = new TextOutput(process.stdout);
  if (output === "json") await out.line(JSON.stringify(result));
  else await out.line(`${number(result.written)} records written to ${result.topic} (${result.partitions} partitions)`);
  await out.flush();
  const warn = (text: string) => process.stderr.write(`${styleText("yellow", text, { stream: process.stderr })}\n`);
  if (result.rejected > 0)
    warn(`${number(result.rejected)} rows of ${name} were rejected; they are in ${result.rejects}`);
  if (result.unknownFields.length > 0)
    warn(`left out, because the schema does not have them: ${result.unknownFields.join(", ")}`);
}

/** One live line on a terminal; elsewhere only what must be said. */
function writeProgress(input: Input) {
  const live = process.stderr.isTTY ? createLogUpdate(process.stderr, { showCursor: true }) : undefined;
  return {
    say(line: string) {
      live?.clear();
      process.stderr.write(`${line}\n`);
    },
    show(records: number) {
      const { bytes, totalBytes } = input.progress();
      const share =
        totalBytes === undefined || totalBytes === 0 ? "" : `, ${Math.round((100 * bytes) / totalBytes)} % of the file`;
      live?.(`${number(records)} records${share}`);
    },
    clear: () => live?.clear(),
  };
}
