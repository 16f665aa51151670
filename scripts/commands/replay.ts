import { type Command, InvalidArgumentError, Option } from "commander";
import type { ReplaySample } from "../../runtime/ops/replay/replay-sample.ts";
import { type KnownReplay, knownReplay, readReplays } from "../../runtime/ops/replay/replay-store.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { assertLogExists, type LogLocation, type OpenLog, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { parseStartPosition } from "../read/start-position.ts";
import type { PlannedReplay, ReplayRequest } from "../replay/replay-request.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { duration, durationMs, examples, located, nonNegativeInteger, schemasOption } from "./options.ts";

interface StartOptions extends ReplayRequest, ChangeOptions {}

interface ResumeOptions extends LogLocation, ChangeOptions {
  readonly schemas: string;
  readonly rate?: number;
}

export function addReplay(program: Command): void {
  const replay = program
    .command("replay")
    .description("process records of a topic once more: in a job, in another topic, or as a file");
  addStart(replay);
  addResume(replay);
  located(replay.command("ls"))
    .description("list the replays that were begun: from where to where, how far")
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples("mulgil replay ls", "mulgil replay ls -o json | jq '.[] | select(.status != \"done\")'"),
    )
    .action(list);
}

function addStart(replay: Command): void {
  const command = located(replay.command("start", { isDefault: true }))
    .description("begin a replay; the word start can be left out")
    .argument("<topic>")
    .option("--to-job <job>", "this job alone gets them, as if they came from the topic")
    .option("--to-topic <topic>", "into another topic, which is made if it is not there")
    .option("--to-file <file>", "into a file that is not there yet, one object a line")
    .addOption(
      position("--from <position>", "earliest, offset:12, a time, or a duration ago like 2h; the first to be replayed"),
    )
    .addOption(position("--to <position>", "latest, offset:12, a time, or a duration ago; the first that is not"))
    .addOption(new Option("--since <duration>", "from that long ago").argParser(duration).conflicts("from"))
    .addOption(
      new Option("-p, --partition <n>", "only this one; may be given several times").argParser(
        several(nonNegativeInteger),
      ),
    )
    .addOption(
      new Option("--key <key>", "only this one, as mulgil read prints it; may be given several times").argParser(
        several(String),
      ),
    )
    .addOption(
      new Option("--header <name=value>", "only with this one; all, if given several times").argParser(several(header)),
    )
    .option(
      "--where <expression>",
      "only where this CEL expression says yes: of value, key, headers, timestamp, offset, partition",
    )
    .addOption(
      new Option("--on-error <what>", "a record for which --where has no answer: end there, or leave it out")
        .choices(["stop", "skip"])
        .default("stop"),
    )
    .addOption(new Option("--rate <n/s>", "at most so many records: 500/s, 1000/min").argParser(rate))
    .option("--effects", "call steps call for them; without it, they end at such a step")
    .option("--copies", "also those that came to the topic by a replay from itself, or from the target")
    .option("--allow-loop", "also to a topic from which jobs write back to this one")
    .addOption(
      new Option(
        "--format <format>",
        "of a file: as mulgil read prints records, or as mulgil write --envelope takes them",
      )
        .choices(["records", "envelope"])
        .default("records"),
    )
    .addOption(new Option("--sample <n>", "show so many of them first").argParser(nonNegativeInteger).default(0))
    .addOption(
      new Option("--id <id>", "its name, for scripts: given again, the same replay goes on").argParser(replayId),
    )
    .addOption(
      new Option("--key-type <type>", "how keys are read, where no schema says it").choices([
        "string",
        "int",
        "long",
        "double",
        "bytes",
        "avro",
      ]),
    )
    .addOption(schemasOption());
  changeOptions(command)
    .addHelpText(
      "after",
      examples(
        "mulgil replay bank.raw --to-job standardise --since 2h --dry-run --sample 5",
        `mulgil replay card.approvals --to-job spending --where 'value.amount > 100000 && value.status == "APPROVED"' --rate 500/s`,
        "mulgil replay bank.raw --to-file raw.ndjson --from 2026-03-01 --to 2026-03-02 --why audit --yes",
        'mulgil replay collect.requests --to-job collect --key c-17 --effects --why "their tokens were broken"',
      ),
    )
    .action(start);
}

function addResume(replay: Command): void {
  const command = located(replay.command("resume"))
    .description("go on with a replay that was interrupted, killed, or has failed")
    .argument("<id>")
    .addOption(new Option("--rate <n/s>", "from now on at most so many records: 500/s, 1000/min").argParser(rate))
    .addOption(schemasOption());
  changeOptions(command)
    .addHelpText("after", examples('mulgil replay resume 3f2a91c0 --why "the machine went down" --yes'))
    .action(resume);
}

/** How many records are looked at to say what would happen. */
const LOOK_RECORDS_MAX = 20_000;

async function start(topic: string, options: StartOptions): Promise<void> {
  assertLogExists(options);
  const { planReplay } = await import("../replay/replay-request.ts");
  const { sampleReplay } = await import("../../runtime/ops/replay/replay-sample.ts");
  await withLog(options, async (open) => {
    const { log, registry } = open;
    const planned = await planReplay(log, topic, await withKeyType(open, topic, options));
    const before = (await readReplays(log)).find(({ definition }) => definition.id === planned.definition.id);
    if (before !== undefined) return await goOn(open, withRate(sameReplay(before, planned), options.rate), options);
    const { definition } = planned;
    const found = await sampleReplay({
      ...{ log, registry, definition, recordsMax: LOOK_RECORDS_MAX },
      samplesMax: options.sample,
    });
    await begin(open, planned, found, options);
  });
}

async function begin(open: OpenLog, planned: PlannedReplay, found: ReplaySample, options: StartOptions): Promise<void> {
  const { replayPreview, targetText, doneText } = await import("../replay/replay-text.ts");
  const { carryReplay, defineReplay, viewerOf } = await import("../replay/carry-replay.ts");
  const { definition } = planned;
  const samples = await viewerOf(open, definition, options.schemas).view(found.samples);
  const counts = await carryOut(
    open.log,
    {
      action: "replay",
      target: `topic ${definition.source.topic} to ${targetText(definition.target)}`,
      preview: [...replayPreview(planned, found), ...samples.map((view) => `  ${JSON.stringify(view)}`)],
      after: auditOf(definition),
      apply: async () => {
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

async function resume(id: string, options: ResumeOptions): Promise<void> {
  assertLogExists(options);
  await withLog(options, async (open) => goOn(open, withRate(await knownReplay(open.log, id), options.rate), options));
}

async function goOn(open: OpenLog, replay: KnownReplay, options: ResumeOptions): Promise<void> {
  const { percentText, targetText, doneText } = await import("../replay/replay-text.ts");
  const { carryReplay } = await import("../replay/carry-replay.ts");
  const { readProgress } = await import("../../runtime/ops/transfer/progress.ts");
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
      apply: () => carryReplay(open, replay, options.schemas),
    },
    changeOf(options),
  );
  if (counts !== undefined) process.stdout.write(`${doneText(definition, counts)}\n`);
}

const withRate = (replay: KnownReplay, recordsPerSecond: number | undefined): KnownReplay =>
  recordsPerSecond === undefined ? replay : { ...replay, definition: { ...replay.definition, recordsPerSecond } };

async function list({ output, ...where }: LogLocation & { readonly output: OutputFormat }): Promise<void> {
  assertLogExists(where);
  const { listReplays, replaysTable } = await import("../replay/replay-list.ts");
  const found = await withLog(where, ({ log }) => listReplays(log));
  await printFormatted(found, output, replaysTable);
}

/** For the audit trail: what is replayed, without a word of what is in it. */
const auditOf = ({ id, ranges, filter, hasEffects, recordsPerSecond }: PlannedReplay["definition"]) => ({
  ...{ id, hasEffects, recordsPerSecond },
  ranges: ranges.map(({ partition, from, to }) => `${partition}: ${from} to ${to - 1}`),
  filters: [
    ...(filter.keys.length > 0 ? ["key"] : []),
    ...(filter.headers.length > 0 ? ["header"] : []),
    ...(filter.where === undefined ? [] : ["where"]),
  ],
});

/** @throws {MulgilError} REPLAY_ID_TAKEN */
function sameReplay(before: KnownReplay, { definition }: PlannedReplay): KnownReplay {
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

/** How keys are read is settled now: who resumes it may have other schemas at hand. */
async function withKeyType({ registry }: OpenLog, topic: string, options: StartOptions): Promise<ReplayRequest> {
  const schemas = new TopicSchemas({ registry, schemasDir: options.schemas });
  const keyType = options.keyType ?? (await schemas.keyTypeOf(topic));
  return { ...options, ...(keyType !== undefined && { keyType }) };
}

const changeOf = ({ dryRun, yes, why }: ChangeOptions): ChangeOptions => ({
  ...(dryRun && { dryRun }),
  ...(yes && { yes }),
  ...(why !== undefined && { why }),
});

const position = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text) => parseStartPosition(text, systemClock.now()));

const several =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[] = []): readonly T[] => [...before, read(text)];

function header(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write name=value, like source=branch-7.");
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/** Records a second. */
function rate(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*\/\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const unitMs = unit === undefined ? undefined : durationMs(`1${unit}`);
  const perSecond = unitMs === undefined || unitMs === 0 ? 0 : (Number(count) * 1_000) / unitMs;
  if (perSecond > 0) return perSecond;
  throw new InvalidArgumentError("Write a number of records and a unit, like 500/s or 1000/min.");
}

function replayId(text: string): string {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError("Give 1 to 64 letters, digits, - or _.");
}
