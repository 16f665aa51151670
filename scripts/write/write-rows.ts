import type { LogAccess, ProduceBatch, ProducerRecord } from "../../runtime/log/port.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { Row } from "../input/row.ts";
import { problemOf } from "../output/problem.ts";
import { type RecordEncoder, ROW_MASKED } from "./record-encoder.ts";
import type { Rejects } from "./rejects.ts";

export interface WriteRowsOptions {
  readonly log: LogAccess;
  readonly topic: string;
  readonly rows: AsyncIterable<Row>;
  readonly encode: RecordEncoder;
  readonly rejects: Rejects;
  readonly signal?: AbortSignal;
  /** After every batch, with the number of records that are safely in the log. */
  readonly onWritten?: (records: number) => void;
}

const BATCH_RECORDS = 1000;
/** Rows can be large: a batch also ends here. */
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Writes rows in the order of the file, a thousand at a time; while one batch is on its way the next one is read. Unreadable rows go to the rejects.
 * @returns the number of records written
 * @throws what the log throws; the message then says which rows are written
 */
export async function writeRows(options: WriteRowsOptions): Promise<number> {
  const { log, rows, rejects, signal } = options;
  const written = { records: 0, line: 0 };
  let batch = new Batch(options.topic);
  let onItsWay: Promise<void> = Promise.resolve();
  const send = async () => {
    const sending = batch;
    batch = new Batch(options.topic);
    await onItsWay;
    onItsWay = log.produce(sending.toProduce()).then(() => {
      written.records += sending.records;
      written.line = sending.lastLine;
      options.onWritten?.(written.records);
    });
    // Awaited at the next batch or at the end; until then its failure is nobody's.
    onItsWay.catch(() => undefined);
  };
  try {
    for await (const row of rows) {
      if (signal?.aborted) break;
      await take(row, options.encode, batch, rejects);
      if (batch.records >= BATCH_RECORDS || batch.bytes >= BATCH_BYTES) await send();
    }
    if (batch.records > 0) await send();
    await onItsWay;
  } catch (error) {
    await onItsWay.catch(() => undefined);
    throw interrupted(error, written);
  }
  return written.records;
}

async function take(row: Row, encode: RecordEncoder, batch: Batch, rejects: Rejects): Promise<void> {
  if (row.kind === "unreadable") return rejects.add(row);
  try {
    const { partition, record } = encode(row.content);
    batch.add(partition, record, row.line);
  } catch (error) {
    if (!(error instanceof MulgilError) || error.code === ROW_MASKED) throw error;
    const { line, raw } = row;
    await rejects.add({ kind: "unreadable", line, raw, error: error.message });
  }
}

class Batch {
  readonly #topic: string;
  readonly #byPartition = new Map<number, ProducerRecord[]>();
  records = 0;
  bytes = 0;
  lastLine = 0;

  constructor(topic: string) {
    this.#topic = topic;
  }

  add(partition: number, record: ProducerRecord, line: number): void {
    const records = this.#byPartition.get(partition);
    if (records === undefined) this.#byPartition.set(partition, [record]);
    else records.push(record);
    this.records++;
    this.bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
    this.lastLine = line;
  }

  toProduce(): readonly ProduceBatch[] {
    return [...this.#byPartition].map(([partition, records]) => ({ topic: this.#topic, partition, records }));
  }
}

function interrupted(error: unknown, written: { readonly records: number; readonly line: number }): MulgilError {
  const { code, message } = problemOf(error);
  const done =
    written.records === 0
      ? "nothing was written"
      : `${written.records} records, up to line ${written.line}, are safely written`;
  return new MulgilError(`${message}; ${done}`, { code, cause: error });
}
