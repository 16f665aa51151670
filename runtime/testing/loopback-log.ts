import type { FetchedRecord, ProduceBatch } from "../log/port.ts";

/** Single-partition topics in memory: as much of a log as a TestDriver needs. */
export class LoopbackLog {
  readonly #topics = new Map<string, FetchedRecord[]>();

  append({ topic, records }: ProduceBatch): number {
    const kept = this.#records(topic);
    const first = kept.length;
    for (const record of records) kept.push({ ...record, headers: record.headers, offset: kept.length });
    return first;
  }

  /** The records from an offset on. */
  from(topic: string, offset: number): readonly FetchedRecord[] {
    return this.#records(topic).slice(offset);
  }

  endOffset(topic: string): number {
    return this.#records(topic).length;
  }

  #records(topic: string): FetchedRecord[] {
    let records = this.#topics.get(topic);
    if (records === undefined) {
      records = [];
      this.#topics.set(topic, records);
    }
    return records;
  }
}
