import { type Command, Option } from "commander";
import { type ChangeOptions, changeOptions } from "../change/change.ts";
import {
  assertLogExists,
  type LogLocation,
  type OpenLog,
  withLog,
  withLogAndRegistry,
} from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { header, position, rate, replayId, several } from "../replay/replay-options.ts";
import type { ReplayRequest } from "../replay/replay-request.ts";
import { revealOptions } from "../reveal/reveal.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { duration, examples, keyTypeOption, located, nonNegativeInteger, schemasOption } from "./options.ts";

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
    .addOption(keyTypeOption("how keys are read, where no schema says it"))
    .addOption(schemasOption());
  revealOptions(changeOptions(command), { hasWhy: true })
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
  const { readReplays } = await import("../../runtime/ops/replay/replay-store.ts");
  const { begin, goOn, sameReplay, withRate } = await import("../replay/confirm-replay.ts");
  const { sampleReplay } = await import("../../runtime/ops/replay/replay-sample.ts");
  await withLogAndRegistry(options, async (open) => {
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

async function resume(id: string, options: ResumeOptions): Promise<void> {
  assertLogExists(options);
  const { knownReplay } = await import("../../runtime/ops/replay/replay-store.ts");
  const { goOn, withRate } = await import("../replay/confirm-replay.ts");
  await withLogAndRegistry(options, async (open) =>
    goOn(open, withRate(await knownReplay(open.log, id), options.rate), options),
  );
}

async function list({ output, ...where }: LogLocation & { readonly output: OutputFormat }): Promise<void> {
  assertLogExists(where);
  const { listReplays, replaysTable } = await import("../replay/replay-list.ts");
  const found = await withLog(where, ({ log }) => listReplays(log));
  await printFormatted(found, output, replaysTable);
}

/** How keys are read is settled now: who resumes it may have other schemas at hand. */
async function withKeyType({ registry }: OpenLog, topic: string, options: StartOptions): Promise<ReplayRequest> {
  const schemas = new TopicSchemas({ registry, schemasDir: options.schemas });
  const keyType = options.keyType ?? (await schemas.keyTypeOf(topic));
  return { ...options, ...(keyType !== undefined && { keyType }) };
}
