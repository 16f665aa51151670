import type { FetchedRecord, LogAccess, LogReader } from "../log/port.ts";

const POLL_WAIT_MS = 1_000;

/** Follows a topic of one partition from its beginning, markers and open transactions included. After an error it begins anew. */
export class TopicFollower {
  readonly #log: LogAccess;
  readonly #where: { readonly topic: string; readonly partition: 0 };
  #reader: LogReader | undefined;
  #offset: number | undefined;

  constructor(log: LogAccess, topic: string) {
    this.#log = log;
    this.#where = { topic, partition: 0 };
  }

  /** All that is there now. */
  async readToEnd(): Promise<readonly FetchedRecord[]> {
    const [end] = await this.#log.listOffsets([this.#where], "latest", "read_uncommitted");
    const records: FetchedRecord[] = [];
    const reader = await this.#open();
    while (this.#offset! < end!.offset) records.push(...(await this.#poll(reader, POLL_WAIT_MS)));
    return records;
  }

  /** What has come since; waits for the first of it as long as is said. @default 0 */
  async read(waitMaxMs = 0): Promise<readonly FetchedRecord[]> {
    const reader = await this.#open();
    try {
      return await this.#poll(reader, waitMaxMs);
    } catch (error) {
      this.#reader = undefined;
      this.#offset = undefined;
      await reader.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  async #open(): Promise<LogReader> {
    if (this.#reader !== undefined) return this.#reader;
    const [start] = await this.#log.listOffsets([this.#where], "earliest", "read_uncommitted");
    const reader = await this.#log.openReader({ isolation: "read_uncommitted" });
    reader.assign([start!]);
    this.#offset = start!.offset;
    this.#reader = reader;
    return reader;
  }

  async #poll(reader: LogReader, waitMaxMs: number): Promise<readonly FetchedRecord[]> {
    const batches = await reader.poll(waitMaxMs);
    this.#offset = batches.at(-1)?.nextOffset ?? this.#offset;
    return batches.flatMap((batch) => batch.records);
  }
}
