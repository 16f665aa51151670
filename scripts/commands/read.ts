import { type Command, Option } from "commander";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { assertLogExists, type LogLocation, type OpenLog, withLog } from "../environment/open-log.ts";
import { table } from "../output/table.ts";
import { TextOutput } from "../output/text-output.ts";
import { followTopic } from "../read/follow-topic.ts";
import { openViewer } from "../read/open-viewer.ts";
import { type ReadRecord, readTopic } from "../read/read-topic.ts";
import type { RecordView, RecordViewer } from "../read/record-view.ts";
import { parseStartPosition, positionText, type StartPosition } from "../read/start-position.ts";
import { auditReveal, type RevealOptions, revealOptions, withReason } from "../reveal/reveal.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import type { PlainKeyType } from "../topics/topic-schemas.ts";
import {
  dataDirOption,
  examples,
  kafkaOption,
  keyTypeOption,
  nonNegativeInteger,
  positiveInteger,
  registryOption,
  schemasOption,
} from "./options.ts";

interface ReadCommandOptions extends LogLocation, RevealOptions {
  readonly schemas: string;
  readonly from: StartPosition;
  readonly partition?: number;
  readonly limit?: number;
  readonly follow?: true;
  readonly keyType?: PlainKeyType;
  readonly output: "ndjson" | "table";
}

export function addRead(program: Command): void {
  revealOptions(program.command("read"))
    .description("print the records of a topic, up to its end as of now")
    .argument("<topic>")
    .addOption(dataDirOption())
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(
      new Option("--from <position>", "earliest, latest, offset:12, a time, or a duration ago like 10m")
        .argParser((text) => parseStartPosition(text, systemClock.now()))
        .default({ kind: "spec", spec: "earliest" } satisfies StartPosition, "earliest"),
    )
    .addOption(new Option("-p, --partition <n>", "only this one").argParser(nonNegativeInteger))
    .addOption(new Option("-n, --limit <n>", "at most so many records").argParser(positiveInteger))
    .option("--follow", "go on, and print what arrives")
    .addOption(keyTypeOption("how keys are read, where no schema says it"))
    .addOption(schemasOption())
    .addOption(
      new Option("-o, --output <format>", "one object a line, or a table")
        .choices(["ndjson", "table"])
        .default("ndjson"),
    )
    .addHelpText(
      "after",
      examples(
        "mulgil read bank.account-months --limit 10 -o table",
        "mulgil read bank.transactions --from 10m --follow",
        "mulgil read standardise.dlq | jq '.headers'",
        'mulgil read bank.transactions --from 10m --reveal --why "complaint 4711"',
      ),
    )
    .action(read);
}

async function read(topic: string, given: ReadCommandOptions): Promise<void> {
  assertLogExists(given);
  const options = await withReason(given);
  const stop = new AbortController();
  const detach = onStopSignals(() => stop.abort());
  const printer = new RecordPrinter(topic, options);
  const { from, partition, follow } = options;
  const reading = { topic, from, partition, signal: stop.signal };
  try {
    if (follow)
      await followTopic({
        ...reading,
        where: options,
        onRecords: (records, directory) => printer.print(records, directory),
      });
    else {
      await withLog(options, async (directory) => {
        for await (const records of readTopic(directory.log, reading)) {
          if (!(await printer.print(records, directory))) break;
        }
      });
    }
    await printer.end();
  } finally {
    detach();
  }
}

/** Prints records as they are asked for, and stops at the limit. */
class RecordPrinter {
  readonly #target: string;
  readonly #options: ReadCommandOptions;
  readonly #format: RecordFormat;
  #viewer: { readonly of: OpenLog; readonly viewer: RecordViewer } | undefined;
  #left: number;

  constructor(topic: string, options: ReadCommandOptions) {
    this.#target = targetOf(topic, options);
    this.#options = options;
    this.#format = options.output === "table" ? new TableFormat() : new LineFormat();
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  /** @returns whether more is wanted */
  async print(records: readonly ReadRecord[], directory: OpenLog): Promise<boolean> {
    const viewer = await this.#viewerOf(directory);
    const views = await viewer.view(records.slice(0, this.#left));
    await this.#format.print(views);
    if (this.#options.follow) await this.#format.end();
    this.#left -= views.length;
    return this.#left > 0;
  }

  end(): Promise<void> {
    return this.#format.end();
  }

  async #viewerOf(directory: OpenLog): Promise<RecordViewer> {
    if (this.#viewer?.of === directory) return this.#viewer.viewer;
    const viewer = openViewer(directory, this.#options);
    if (this.#viewer === undefined) await auditReveal(directory.log, this.#target, this.#options);
    this.#viewer = { of: directory, viewer };
    return viewer;
  }
}

/** For the audit trail. */
function targetOf(topic: string, { partition, limit, follow, from }: ReadCommandOptions): string {
  const parts = [
    `topic ${topic}`,
    ...(partition === undefined ? [] : [`partition ${partition}`]),
    `from ${positionText(from)}`,
    ...(limit === undefined ? [] : [`at most ${limit} records`]),
    ...(follow ? ["and what follows"] : []),
  ];
  return parts.join(", ");
}

interface RecordFormat {
  print(views: readonly RecordView[]): Promise<void>;
  /** Puts out what is still held back. */
  end(): Promise<void>;
}

class LineFormat implements RecordFormat {
  readonly #output = new TextOutput(process.stdout);

  async print(views: readonly RecordView[]): Promise<void> {
    for (const view of views) await this.#output.line(JSON.stringify(view));
    await this.#output.flush();
  }

  end(): Promise<void> {
    return this.#output.flush();
  }
}

const TABLE_ROWS = 500;
const WIDTH_WITHOUT_TERMINAL = 160;

/** A table for every few hundred records: their columns must be measured together. */
class TableFormat implements RecordFormat {
  readonly #output = new TextOutput(process.stdout);
  #rows: readonly string[][] = [];

  async print(views: readonly RecordView[]): Promise<void> {
    this.#rows = [...this.#rows, ...views.map(row)];
    if (this.#rows.length >= TABLE_ROWS) await this.end();
  }

  async end(): Promise<void> {
    if (this.#rows.length > 0) await this.#output.line(narrowed(this.#rows));
    this.#rows = [];
    await this.#output.flush();
  }
}

const row = ({ partition, offset, timestamp, key, value }: RecordView): string[] => [
  String(partition),
  String(offset),
  timestamp,
  typeof key === "string" ? key : JSON.stringify(key),
  JSON.stringify(value),
];

/** The value takes what is left of a line. */
function narrowed(rows: readonly string[][]): string {
  const taken = [0, 1, 2, 3].reduce(
    (sum, column) => sum + Math.max(9, ...rows.map((cells) => cells[column]!.length)) + 2,
    0,
  );
  const width = Math.max(40, (process.stdout.columns ?? WIDTH_WITHOUT_TERMINAL) - taken);
  const short = (text: string) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
  return table(
    ["partition", "offset", "timestamp", "key", "value"],
    rows.map((cells) => [...cells.slice(0, 4), short(cells[4]!)]),
    ["partition", "offset"],
  );
}
