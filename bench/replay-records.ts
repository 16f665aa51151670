import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { openDataDirectory } from "../runtime/log/embedded/data-directory.ts";
import type { LogAccess } from "../runtime/log/port.ts";
import type { ReplayDefinition, ReplayFilter } from "../runtime/ops/replay/replay-definition.ts";
import { runReplay } from "../runtime/ops/replay/run-replay.ts";
import { readRanges } from "../runtime/ops/transfer/range-reader.ts";
import { rangesOf } from "../runtime/ops/transfer/ranges.ts";
import { systemClock } from "../runtime/time/system-clock.ts";
import type { SchemaRegistry } from "../schemas/registry.ts";
import { createValueSerde } from "../schemas/value-serde.ts";
import type { BenchRow } from "./bench-row.ts";
import { describeRuns } from "./state-measure.ts";

const RECORDS = 200_000;
const PARTITIONS = 4;
const BATCH_RECORDS = 2_000;
const ROUNDS = 5;
const SOURCE = "events";
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: SOURCE, partition }));
const schema = {
  avro: {
    type: "record",
    name: "Event",
    fields: [
      { name: "id", type: "long" },
      { name: "text", type: "string" },
    ],
  },
};
const WHERES = [
  { name: "replay.records", where: undefined },
  { name: "replay.records.where", where: 'value.id >= 0 && value.text.startsWith("x")' },
];

/**
 * [replay.records] Records a second that a replay brings from one topic of a data directory to another, four partitions, 200 bytes, each batch of 2,000 in a
 * transaction with its progress; and with an expression on the value that all fit. Beside it, in turn: the same batches read and written by a loop, without
 * transactions, headers and filters. Fails if a record is missing in the target.
 */
export async function run(): Promise<BenchRow[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-bench-"));
  const { log, registry, close } = await openDataDirectory(path.join(folder, "data"), { clock: systemClock });
  try {
    await fill(log, registry);
    const rates = new Map([...WHERES.map(({ name }) => name), "loop"].map((name) => [name, [] as number[]]));
    for (let round = 0; round < ROUNDS; round++) {
      rates.get("loop")!.push(await rateOf(log, `loop-${round}`, (topic) => copy(log, topic)));
      for (const { name, where } of WHERES) {
        const replay = (topic: string) => replayTo(log, registry, topic, where);
        rates.get(name)!.push(await rateOf(log, `${name}-${round}`, replay));
      }
    }
    const bound = describeRuns(rates.get("loop")!).median;
    return WHERES.map(({ name }) => {
      const { median, spread } = describeRuns(rates.get(name)!);
      const described = `${Math.round(bound).toLocaleString("en")} by a loop without transactions`;
      return { name, value: Math.round(median), unit: "records/s", spread, bound: described, ratio: median / bound };
    });
  } finally {
    await close();
    await rm(folder, { recursive: true, force: true });
  }
}

const spec = (topic: string) => ({
  ...{ topic, partitions: PARTITIONS },
  config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const,
});

async function fill(log: LogAccess, registry: SchemaRegistry): Promise<void> {
  await log.ensureTopics([spec(SOURCE)]);
  const { encode } = await createValueSerde({ schema, topic: SOURCE, registry });
  for (let first = 0; first < RECORDS; first += BATCH_RECORDS) {
    const records = Array.from({ length: BATCH_RECORDS }, (_, index) => ({
      ...{ key: Buffer.from(`key-${index}`), timestampMs: 1_000 + first },
      value: Buffer.from(encode({ id: first + index, text: "x".repeat(180) })),
    }));
    await log.produce([{ ...partitions[(first / BATCH_RECORDS) % PARTITIONS]!, records }]);
  }
}

async function rateOf(log: LogAccess, topic: string, work: (topic: string) => Promise<number>): Promise<number> {
  await log.ensureTopics([spec(topic)]);
  const startedMs = performance.now();
  const written = await work(topic);
  const seconds = (performance.now() - startedMs) / 1_000;
  if (written !== RECORDS) throw new Error(`${written} of ${RECORDS} records came to ${topic}`);
  await log.deleteTopic(topic);
  return RECORDS / seconds;
}

const allOf = (log: LogAccess) => rangesOf({ log, partitions, from: "earliest", to: "latest" });

async function copy(log: LogAccess, topic: string): Promise<number> {
  let written = 0;
  const ranges = await allOf(log);
  for await (const batch of readRanges(log, { topic: SOURCE, ranges, recordsMax: BATCH_RECORDS })) {
    await log.produce([{ topic, partition: batch.partition, records: batch.records }]);
    written += batch.records.length;
  }
  return written;
}

async function replayTo(
  log: LogAccess,
  registry: SchemaRegistry,
  topic: string,
  where: string | undefined,
): Promise<number> {
  const source = (await log.describeTopics()).find((each) => each.topic === SOURCE)!;
  const filter: ReplayFilter = { keys: [], headers: [], onError: "stop", hasCopies: false, ...(where && { where }) };
  const definition: ReplayDefinition = {
    ...{ id: topic, ranges: await allOf(log), filter, hasEffects: false, createdAtMs: systemClock.now() },
    source: { topic: SOURCE, partitions: PARTITIONS, incarnation: source.incarnation },
    target: { kind: "topic", topic },
  };
  const { counts } = await runReplay({
    ...{ log, registry, clock: systemClock, signal: new AbortController().signal },
    replay: { definition, status: "defined", hasPositions: false, changedAtMs: systemClock.now() },
    onProgress: () => undefined,
    linesOf: async () => [],
  });
  return counts.written;
}
