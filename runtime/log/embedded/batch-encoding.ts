import { crc32 } from "node:zlib";
import { ByteReader } from "../../../state/byte-reader.ts";
import { ByteWriter } from "../../../state/byte-writer.ts";
import type { FetchedRecord, Headers, ProducerRecord, TopicPartition } from "../port.ts";
import { corrupt } from "./refusals.ts";
import { type BatchHeader, StoredBatch } from "./stored-batch.ts";

/** Layout of a stored batch; the base offset is in its key. A CRC-32 over the rest stands first. */
const FORMAT = 1;
const CRC_BYTES = 4;
const MARKER_ABORT = 1;
const MARKER_COMMIT = 2;

/** A record with its offset: while compaction rewrites a batch, offsets have gaps. */
export interface OffsetRecord extends ProducerRecord {
  readonly offset: number;
}

/** Writes batches with one reused slab. */
export class BatchEncoder {
  readonly #writer = new ByteWriter(4096);

  encode(header: BatchHeader, records: readonly OffsetRecord[]): Buffer {
    const writer = this.#writer;
    writer.position = CRC_BYTES;
    writer.byte(FORMAT);
    writer.byte(header.marker === undefined ? 0 : header.marker === "commit" ? MARKER_COMMIT : MARKER_ABORT);
    writer.integer(header.lastOffset - header.baseOffset);
    writer.integer(header.producerId);
    writer.integer(header.maxTimestampMs);
    writer.integer(header.tombstonesDueMs === undefined ? -1 : header.tombstonesDueMs);
    writer.integer(records.length);
    for (const record of records) this.#record(header, record);
    const encoded = Buffer.from(writer.buffer.subarray(0, writer.position));
    encoded.writeUInt32BE(crc32(encoded.subarray(CRC_BYTES)), 0);
    return encoded;
  }

  #record(header: BatchHeader, record: OffsetRecord): void {
    const writer = this.#writer;
    writer.integer(record.offset - header.baseOffset);
    writer.integer(header.maxTimestampMs - record.timestampMs);
    this.#nullable(record.key);
    this.#nullable(record.value);
    const names = record.headers && Object.keys(record.headers);
    writer.integer(names?.length ?? -1);
    for (const name of names ?? []) {
      writer.string(name);
      writer.bytes(record.headers![name]!);
    }
  }

  #nullable(bytes: Buffer | null): void {
    if (bytes === null) this.#writer.integer(-1);
    else this.#writer.bytes(bytes);
  }
}

/** Opens a stored batch; its records are decoded when they are asked for. @throws LOG_CORRUPT */
export function openBatch(encoded: Buffer, baseOffset: number, where: TopicPartition): StoredBatch {
  if (encoded.length <= CRC_BYTES) throw corrupt(where, baseOffset, "it is too short");
  if (crc32(encoded.subarray(CRC_BYTES)) !== encoded.readUInt32BE(0)) {
    throw corrupt(where, baseOffset, "its checksum does not fit");
  }
  if (encoded[CRC_BYTES] !== FORMAT) throw corrupt(where, baseOffset, `its format ${encoded[CRC_BYTES]} is not known`);
  return parseBatch(encoded, baseOffset);
}

/** Like openBatch, for bytes that were encoded a moment ago. */
export function parseBatch(encoded: Buffer, baseOffset: number): StoredBatch {
  const reader = new ByteReader(encoded, CRC_BYTES + 1);
  const marker = reader.byte();
  const lastOffset = baseOffset + reader.integer();
  const producerId = reader.integer();
  const maxTimestampMs = reader.integer();
  const tombstonesDueMs = reader.integer();
  const recordCount = reader.integer();
  const header: BatchHeader = {
    baseOffset,
    lastOffset,
    producerId,
    marker: marker === 0 ? undefined : marker === MARKER_COMMIT ? "commit" : "abort",
    maxTimestampMs,
    tombstonesDueMs: tombstonesDueMs === -1 ? undefined : tombstonesDueMs,
  };
  const position = reader.position;
  return new StoredBatch(header, encoded.length, recordCount, () =>
    decodeRecords(encoded, position, header, recordCount),
  );
}

function decodeRecords(encoded: Buffer, position: number, header: BatchHeader, count: number): FetchedRecord[] {
  const reader = new ByteReader(encoded, position);
  const records: FetchedRecord[] = [];
  for (let i = 0; i < count; i++) {
    const offset = header.baseOffset + reader.integer();
    const timestampMs = header.maxTimestampMs - reader.integer();
    const key = nullable(reader);
    const value = nullable(reader);
    records.push({ offset, timestampMs, key, value, headers: decodeHeaders(reader) });
  }
  return records;
}

function nullable(reader: ByteReader): Buffer | null {
  const length = reader.integer();
  return length === -1 ? null : reader.raw(length);
}

function decodeHeaders(reader: ByteReader): Headers | undefined {
  const count = reader.integer();
  if (count === -1) return undefined;
  const headers: [string, Buffer][] = [];
  for (let i = 0; i < count; i++) headers.push([reader.string(), reader.bytes()]);
  return Object.fromEntries(headers);
}
