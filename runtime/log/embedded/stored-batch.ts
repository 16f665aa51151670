import type { FetchedRecord } from "../port.ts";

export type Marker = "commit" | "abort";

/** What a batch says beside its records. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** 0 outside a transaction. */
  readonly producerId: number;
  /** Set if the batch is not records but the end of a transaction. */
  readonly marker: Marker | undefined;
  readonly maxTimestampMs: number;
  /** When its tombstones may vanish; undefined until compaction has kept them once. */
  readonly tombstonesDueMs: number | undefined;
}

/** A guess of what a decoded record costs beside its bytes. */
const DECODED_RECORD_BYTES = 300;

/** A batch as it is stored. Its records are decoded once, by the first reader, and shared. */
export class StoredBatch {
  readonly header: BatchHeader;
  /** The encoded size. */
  readonly bytes: number;
  readonly recordCount: number;
  readonly #decode: () => readonly FetchedRecord[];
  #records: readonly FetchedRecord[] | undefined;

  constructor(header: BatchHeader, bytes: number, recordCount: number, decode: () => readonly FetchedRecord[]) {
    this.header = header;
    this.bytes = bytes;
    this.recordCount = recordCount;
    this.#decode = decode;
  }

  get records(): readonly FetchedRecord[] {
    this.#records ??= this.#decode();
    return this.#records;
  }

  /** What it costs to keep, decoded. */
  get memoryBytes(): number {
    return this.bytes + this.recordCount * DECODED_RECORD_BYTES;
  }
}
