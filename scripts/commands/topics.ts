import type { Command } from "commander";
import ms from "ms";
import type { LogAccess, TopicDescription } from "../../runtime/log/port.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { table } from "../output/table.ts";
import { examples, located } from "./options.ts";

interface TopicsOptions extends LogLocation {
  readonly output: OutputFormat;
}

interface TopicRow {
  readonly topic: string;
  readonly partitions: number;
  /** From the start to the end of the partitions: offsets that compaction or markers took are counted too. */
  readonly records: number;
  readonly cleanup: string;
  readonly retentionMs: number;
}

export function addTopics(program: Command): void {
  located(program.command("topics"))
    .description("list the topics: partitions, records, how long they are kept")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil topics", "mulgil topics -o json | jq '.[].topic'"))
    .action(topics);
}

async function topics({ output, ...where }: TopicsOptions): Promise<void> {
  assertLogExists(where);
  const rows = await withLog(where, ({ log }) => describeAll(log));
  await printFormatted(rows, output, (all) => (all.length === 0 ? "there are no topics yet" : asTable(all)));
}

async function describeAll(log: LogAccess): Promise<readonly TopicRow[]> {
  const found = [...(await log.describeTopics())].sort((left, right) => (left.topic < right.topic ? -1 : 1));
  const partitions = found.flatMap(({ topic, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  const starts = await log.listOffsets(partitions, "earliest", "read_committed");
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  const records = new Map<string, number>();
  for (const [index, { topic, offset }] of ends.entries())
    records.set(topic, (records.get(topic) ?? 0) + offset - starts[index]!.offset);
  return found.map((each) => rowOf(each, records.get(each.topic) ?? 0));
}

const rowOf = ({ topic, partitions, config }: TopicDescription, records: number): TopicRow => ({
  topic,
  partitions,
  records,
  cleanup: config.cleanupPolicy,
  retentionMs: config.retentionMs,
});

function asTable(rows: readonly TopicRow[]): string {
  const cells = rows.map(({ topic, partitions, records, cleanup, retentionMs }) => [
    topic,
    String(partitions),
    String(records),
    cleanup,
    retentionMs === -1 ? "kept" : ms(retentionMs, { long: true }),
  ]);
  return table(["topic", "partitions", "records", "cleanup", "retention"], cells, ["partitions", "records"]);
}
