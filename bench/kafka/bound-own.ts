import type { Log, ProduceBatch, ProducerRecord } from "../../runtime/log/port.ts";
import { type BoundSettings, Due, type Progress } from "./bound.ts";
import { PARTITIONS } from "./payments-job.ts";
import type { Cost } from "./stopwatch.ts";

/** The engine writes once a commit; this is what it would write in one, at some 100,000 records read a second. */
const SEND_RECORDS = 40_000;
const READ_MAX_MS = 30_000;

/** Reads with the log's own reader, and writes what is due in one call at a time, while the next records are read. */
export async function runOwnBound(log: Log, settings: BoundSettings, progress: Progress): Promise<Cost> {
  const reader = await log.openReader({ isolation: "read_committed" });
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: settings.source, partition }));
  reader.assign(await log.listOffsets(partitions, "earliest", "read_committed"));
  const dues = settings.outputs.map((output) => new Due(output, settings.records));
  let writing: Promise<unknown> = Promise.resolve();
  while (!progress.isComplete) {
    let bytes = 0;
    for (const { records } of await reader.poll(READ_MAX_MS)) {
      for (const { key, value } of records) bytes += key!.length + value!.length;
      progress.add(records.length);
    }
    if (bytes === 0) throw new Error("the source holds less than it should");
    const waiting = dues.reduce((sum, due) => sum + due.waiting(progress.read), 0);
    if (waiting < SEND_RECORDS && !progress.isComplete) continue;
    await writing;
    writing = log.produce(dues.flatMap((due) => takeBatches(due, progress.read)));
  }
  await writing;
  const cost = progress.cost();
  await reader.close();
  return cost;
}

function takeBatches(due: Due, read: number): readonly ProduceBatch[] {
  const { topic, load } = due.output;
  const records = Math.floor(due.waiting(read) / PARTITIONS);
  due.give(records * PARTITIONS);
  const record: ProducerRecord = {
    key: Buffer.alloc(load.keyBytes),
    value: Buffer.alloc(load.valueBytes),
    timestampMs: Date.now(),
  };
  return Array.from({ length: PARTITIONS }, (_, partition) => ({
    ...{ topic, partition },
    records: new Array<ProducerRecord>(records).fill(record),
  }));
}
