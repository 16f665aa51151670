import type { ProducerRecord } from "../../port.ts";
import { type Compression, compress, compressionBits } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import { TRANSACTIONAL } from "./record-batch-layout.ts";
import { WireWriter } from "./wire-writer.ts";

/** Who numbers the records of a partition, so that the broker drops what it has already. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly epoch: number;
}

export interface BatchOptions {
  readonly identity: ProducerIdentity;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly compression: Compression;
}

const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const RECORDS_AT = 61;
/** More than the lengths and deltas of a record take. */
const RECORD_OVERHEAD_BYTES = 40;

/** A record batch of format 2. */
export async function encodeRecordBatch(records: readonly ProducerRecord[], options: BatchOptions): Promise<Buffer> {
  const writer = new WireWriter(RECORDS_AT + records.reduce((sum, record) => sum + sizeBound(record), 0));
  const baseTimestampMs = records[0]!.timestampMs;
  let maxTimestampMs = baseTimestampMs;
  writer.position = RECORDS_AT;
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    if (record.timestampMs > maxTimestampMs) maxTimestampMs = record.timestampMs;
    writeRecord(writer, record, i, record.timestampMs - baseTimestampMs);
  }
  const bits = compressionBits[options.compression];
  if (bits !== 0) {
    const compressed = await compress(bits, writer.buffer.subarray(RECORDS_AT, writer.position));
    writer.position = RECORDS_AT;
    writer.raw(compressed);
  }
  const end = writer.position;
  writer.position = 0;
  writer
    .int64(0)
    .int32(end - LENGTH_AT - 4)
    .int32(-1)
    .int8(2)
    .int32(0);
  writer.int16(bits | (options.isTransactional ? TRANSACTIONAL : 0));
  writer
    .int32(records.length - 1)
    .int64(baseTimestampMs)
    .int64(maxTimestampMs);
  writer.int64(options.identity.producerId).int16(options.identity.epoch).int32(options.baseSequence);
  writer.int32(records.length);
  writer.buffer.writeUInt32BE(crc32c(writer.buffer, ATTRIBUTES_AT, end), CRC_AT);
  return writer.buffer.subarray(0, end);
}

/** An upper bound of a record's bytes in a batch. */
export function sizeBound({ key, value, headers }: ProducerRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  if (headers !== undefined) {
    for (const name in headers) bytes += 10 + name.length * 3 + headers[name]!.length;
  }
  return bytes;
}

/** The writer has room already. */
function writeRecord(writer: WireWriter, record: ProducerRecord, offsetDelta: number, timestampDelta: number): void {
  const { key, value, headers } = record;
  const names = headers === undefined ? [] : Object.keys(headers);
  let bytes = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + nullableBytes(key) + nullableBytes(value);
  bytes += varintBytes(names.length);
  for (const name of names) {
    const length = Buffer.byteLength(name);
    bytes += varintBytes(length) + length + nullableBytes(headers![name]!);
  }
  const { buffer } = writer;
  let at = varint(buffer, writer.position, bytes);
  buffer[at++] = 0;
  at = varint(buffer, at, timestampDelta);
  at = varint(buffer, at, offsetDelta);
  at = nullable(buffer, at, key);
  at = nullable(buffer, at, value);
  at = varint(buffer, at, names.length);
  for (const name of names) {
    at = varint(buffer, at, Buffer.byteLength(name));
    at += buffer.write(name, at);
    at = nullable(buffer, at, headers![name]!);
  }
  writer.position = at;
}

function nullable(buffer: Buffer, position: number, bytes: Buffer | null): number {
  if (bytes === null) return varint(buffer, position, -1);
  const at = varint(buffer, position, bytes.length);
  buffer.set(bytes, at);
  return at + bytes.length;
}

const nullableBytes = (bytes: Buffer | null): number => (bytes === null ? 1 : varintBytes(bytes.length) + bytes.length);

/** Zig-zag; a safe integer of at most 52 bits. */
function varint(buffer: Buffer, position: number, value: number): number {
  let at = position;
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  while (rest > 0x7f) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value < 0 ? -value * 2 - 1 : value * 2; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
