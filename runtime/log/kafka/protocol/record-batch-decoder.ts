import { MulgilError } from "../../../../schemas/mulgil-error.ts";
import type { FetchedRecord, Headers, TopicPartition } from "../../port.ts";
import { COMPRESSION_BITS, decompress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import { CONTROL, LOG_APPEND_TIME, TRANSACTIONAL } from "./record-batch-layout.ts";
import { WireReader } from "./wire-reader.ts";

/** A transaction that did not commit, from its first offset in the partition on. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface DecodedRecords {
  readonly records: readonly FetchedRecord[];
  /** The position after everything that was read, or the one asked for if there was no whole batch. */
  readonly nextOffset: number;
}

interface BatchHeader {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly attributes: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: number;
  readonly recordCount: number;
  /** Where the records are, after the header. */
  readonly start: number;
  readonly end: number;
}

const LENGTH_END = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MARKER_ABORT = 0;

/**
 * The records of a fetch from a position on: without markers, without those before the position in the first batch, and without those of
 * aborted transactions. A batch at the end that is cut off is left out. Keys and values are views of `bytes`.
 * @throws {MulgilError} LOG_CORRUPT, LOG_COMPRESSION, LOG_FORMAT
 */
export async function decodeRecords(
  where: TopicPartition,
  bytes: Buffer,
  position: number,
  aborted: readonly AbortedTransaction[],
): Promise<DecodedRecords> {
  const records: FetchedRecord[] = [];
  const visible = new VisibleBatches(aborted);
  let nextOffset = position;
  for (let at = 0; at + LENGTH_END <= bytes.length; ) {
    const end = at + LENGTH_END + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    const header = readHeader(where, bytes, at, end);
    const shows = visible.shows(header, bytes);
    if (shows && header.lastOffset >= position) await readRecords(header, bytes, position, records);
    nextOffset = Math.max(nextOffset, header.lastOffset + 1);
    at = end;
  }
  return { records, nextOffset };
}

/** Follows the transactions of a fetch, batch by batch. */
class VisibleBatches {
  readonly #pending: AbortedTransaction[];
  readonly #aborting = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#pending = aborted.toSorted((left, right) => left.firstOffset - right.firstOffset);
  }

  shows(header: BatchHeader, bytes: Buffer): boolean {
    while (this.#pending.length > 0 && this.#pending[0]!.firstOffset <= header.lastOffset) {
      this.#aborting.add(this.#pending.shift()!.producerId);
    }
    if ((header.attributes & CONTROL) !== 0) {
      if (isAbortMarker(header, bytes)) this.#aborting.delete(header.producerId);
      return false;
    }
    return (header.attributes & TRANSACTIONAL) === 0 || !this.#aborting.has(header.producerId);
  }
}

function readHeader(where: TopicPartition, bytes: Buffer, at: number, end: number): BatchHeader {
  const reader = new WireReader(bytes, at);
  const baseOffset = reader.int64();
  const magic = bytes.readInt8(at + MAGIC_AT);
  if (magic !== 2) throw oldFormat(where, baseOffset, magic);
  if (crc32c(bytes, at + ATTRIBUTES_AT, end) !== bytes.readUInt32BE(at + CRC_AT)) throw corrupt(where, baseOffset);
  reader.position = at + ATTRIBUTES_AT;
  const attributes = reader.int16();
  const lastOffset = baseOffset + reader.int32();
  const baseTimestampMs = reader.int64();
  const maxTimestampMs = reader.int64();
  const producerId = reader.int64();
  reader.position += 6;
  const recordCount = reader.int32();
  const start = reader.position;
  return { baseOffset, lastOffset, attributes, baseTimestampMs, maxTimestampMs, producerId, recordCount, start, end };
}

async function readRecords(
  header: BatchHeader,
  bytes: Buffer,
  position: number,
  records: FetchedRecord[],
): Promise<void> {
  const compression = header.attributes & COMPRESSION_BITS;
  const plain = bytes.subarray(header.start, header.end);
  const reader = new WireReader(compression === 0 ? plain : await decompress(compression, plain));
  const isAppendTime = (header.attributes & LOG_APPEND_TIME) !== 0;
  for (let i = 0; i < header.recordCount; i++) {
    const end = reader.varint() + reader.position;
    reader.position += 1;
    const timestampMs = reader.varint() + header.baseTimestampMs;
    const offset = reader.varint() + header.baseOffset;
    if (offset >= position) {
      const key = nullable(reader);
      const value = nullable(reader);
      const headers = readHeaders(reader);
      records.push({ offset, timestampMs: isAppendTime ? header.maxTimestampMs : timestampMs, key, value, headers });
    }
    reader.position = end;
  }
}

function nullable(reader: WireReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.raw(length);
}

/** A name that stands twice keeps its last value; a null value reads as empty. */
function readHeaders(reader: WireReader): Headers | undefined {
  const count = reader.varint();
  if (count === 0) return undefined;
  const headers: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) {
    const name = reader.raw(reader.varint()).toString();
    headers[name] = nullable(reader) ?? Buffer.alloc(0);
  }
  return headers;
}

/** The key of a marker: version, and whether it ends its transaction by abort or commit. */
function isAbortMarker({ start }: BatchHeader, bytes: Buffer): boolean {
  const reader = new WireReader(bytes, start);
  reader.varint();
  reader.position += 1;
  reader.varint();
  reader.varint();
  return nullable(reader)?.readInt16BE(2) === MARKER_ABORT;
}

const at = ({ topic, partition }: TopicPartition, offset: number): string =>
  `topic "${topic}" partition ${partition} offset ${offset}`;

const corrupt = (where: TopicPartition, offset: number): MulgilError =>
  new MulgilError(
    `${at(where, offset)}: the checksum of the record batch does not fit; if reading again does not help, the broker's disk or the network is broken: move the partition to another broker, or go on behind the batch`,
    { code: "LOG_CORRUPT", context: { topic: where.topic, partition: where.partition, offset } },
  );

const oldFormat = (where: TopicPartition, offset: number, magic: number): MulgilError =>
  new MulgilError(
    `${at(where, offset)}: the record batch has format ${magic}, from before Kafka 0.11, which Mulgil does not read; copy the topic with a newer producer`,
    { code: "LOG_FORMAT", context: { topic: where.topic, partition: where.partition, offset } },
  );
