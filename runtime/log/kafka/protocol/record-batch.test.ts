import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import type { ProducerRecord } from "../../port.ts";
import { crc32c } from "./crc32c.ts";
import { decodeRecords } from "./record-batch-decoder.ts";
import { type BatchOptions, encodeRecordBatch } from "./record-batch-encoder.ts";

const where = { topic: "t", partition: 0 };
const plain: BatchOptions = {
  identity: { producerId: -1, epoch: -1 },
  baseSequence: -1,
  isTransactional: false,
  compression: "none",
};
const text = (value: string): ProducerRecord => ({ key: null, value: Buffer.from(value), timestampMs: 1 });

/** A batch as it stands in a partition. */
async function batchAt(
  offset: number,
  records: readonly ProducerRecord[],
  options: Partial<BatchOptions> = {},
): Promise<Buffer> {
  const bytes = await encodeRecordBatch(records, { ...plain, ...options });
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

/** The end of a transaction, as a broker writes it. */
function markerAt(offset: number, producerId: number, commits: boolean): Buffer {
  const bytes = Buffer.alloc(61 + 17);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(0x30, 21);
  bytes.writeBigInt64BE(BigInt(producerId), 43);
  bytes.writeInt32BE(1, 57);
  // Length, attributes, deltas; the key: version and kind; the value: version and coordinator epoch; no headers.
  bytes.set([32, 0, 0, 0, 8, 0, 0, 0, commits ? 1 : 0, 12, 0, 0, 0, 0, 0, 0, 0], 61);
  bytes.writeUInt32BE(crc32c(bytes, 21), 17);
  return bytes;
}

const valuesOf = async (bytes: Buffer, position = 0, aborted: Parameters<typeof decodeRecords>[3] = []) => {
  const { records, nextOffset } = await decodeRecords(where, bytes, position, aborted);
  return { values: records.map(({ value }) => value?.toString()), nextOffset };
};

/** The codec of kafkajs itself, as another client. */
const kafkajs = createRequire(import.meta.resolve("kafkajs"));
const otherDecoder = kafkajs("kafkajs/src/protocol/recordBatch/v0/decoder") as (from: unknown) => Promise<{
  readonly records: readonly {
    readonly key: Buffer;
    readonly value: Buffer;
    readonly timestamp: string;
    readonly headers: object;
  }[];
}>;
const OtherBytes = kafkajs("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => unknown;
const otherBatch = kafkajs("kafkajs/src/protocol/recordBatch/v0") as {
  RecordBatch(options: object): Promise<{ readonly buffer: Buffer }>;
};
const otherRecord = kafkajs("kafkajs/src/protocol/recordBatch/record/v0") as (record: object) => unknown;

describe("crc32c", () => {
  it("is Castagnoli's", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });

  it("is the same wherever in memory the bytes lie, and however many they are", () => {
    const memory = new Uint8Array(100).map((_, at) => (at * 151 + 7) % 256);
    for (let offset = 0; offset < 4; offset++) {
      const bytes = memory.subarray(offset);
      for (let start = 0; start < 20; start++) {
        for (let end = start; end < bytes.length; end++) {
          expect(crc32c(bytes, start, end)).toBe(plainCrc32c(bytes.slice(start, end)));
        }
      }
    }
  });
});

/** Bit by bit, as the polynomial says. */
function plainCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("record batches", () => {
  it.each(["none", "gzip", "zstd"] as const)("come back as they were, compressed with %s", async (compression) => {
    const records: ProducerRecord[] = [
      { key: Buffer.from("k"), value: Buffer.from("v".repeat(300)), timestampMs: 1_700_000_000_000 },
      { key: null, value: null, timestampMs: 1 },
      {
        key: Buffer.alloc(0),
        value: Buffer.alloc(0),
        timestampMs: 1_900_000_000_000,
        headers: { ü: Buffer.from([0, 255]), b: Buffer.alloc(0) },
      },
    ];
    const { records: read, nextOffset } = await decodeRecords(where, await batchAt(7, records, { compression }), 7, []);
    expect(read).toEqual(records.map((record, i) => ({ headers: undefined, ...record, offset: 7 + i })));
    expect(nextOffset).toBe(10);
  });

  it("hold more records than fit the arguments of a call", async () => {
    const records = Array.from({ length: 200_000 }, () => text("x"));
    expect((await decodeRecords(where, await batchAt(0, records), 0, [])).records).toHaveLength(200_000);
  });

  it("are read from a position inside, and without a batch that is cut off", async () => {
    const bytes = Buffer.concat([
      await batchAt(3, [text("a"), text("b"), text("c")]),
      await batchAt(9, [text("d")]),
      await batchAt(10, [text("e")]),
    ]);
    expect(await valuesOf(bytes.subarray(0, -1), 4)).toEqual({ values: ["b", "c", "d"], nextOffset: 10 });
  });

  it("move the position by markers, and by nothing else when nothing whole is there", async () => {
    expect(await valuesOf(markerAt(5, 1, true), 5)).toEqual({ values: [], nextOffset: 6 });
    expect(await valuesOf((await batchAt(5, [text("a")])).subarray(0, 40), 5)).toEqual({ values: [], nextOffset: 5 });
  });

  it("show nothing of an aborted transaction, and everything of what its producer commits afterwards", async () => {
    const of = (producerId: number) => ({ identity: { producerId, epoch: 0 }, baseSequence: 0, isTransactional: true });
    const bytes = Buffer.concat([
      await batchAt(0, [text("wrong")], of(1)),
      await batchAt(1, [text("other")], of(2)),
      await batchAt(2, [text("plain")]),
      markerAt(3, 1, false),
      await batchAt(4, [text("right")], of(1)),
      markerAt(5, 1, true),
    ]);
    expect(await valuesOf(bytes, 0, [{ producerId: 1, firstOffset: 0 }])).toEqual({
      values: ["other", "plain", "right"],
      nextOffset: 6,
    });
    expect((await valuesOf(bytes)).values).toEqual(["wrong", "other", "plain", "right"]);
  });

  it("are refused when they are damaged", async () => {
    const bytes = await batchAt(0, [text("a")]);
    bytes[bytes.length - 2]! ^= 1;
    await expect(decodeRecords(where, bytes, 0, [])).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  });

  it("say which compression cannot be read", async () => {
    const bytes = await batchAt(0, [text("a")]);
    bytes.writeInt16BE(2, 21);
    bytes.writeUInt32BE(crc32c(bytes, 21), 17);
    await expect(decodeRecords(where, bytes, 0, [])).rejects.toThrow(/snappy/);
  });

  it.each(["none", "gzip"] as const)("are read by another client, compressed with %s", async (compression) => {
    const headers = { trace: Buffer.from("1") };
    const records = [
      text("a"),
      { key: Buffer.from("k"), value: Buffer.from("b"), timestampMs: 4_000_000_000_000, headers },
    ];
    const read = await otherDecoder(new OtherBytes(await batchAt(0, records, { compression })));
    expect(read.records.map(({ value, timestamp }) => [value.toString(), Number(timestamp)])).toEqual([
      ["a", 1],
      ["b", 4_000_000_000_000],
    ]);
    expect(read.records[1]!.headers).toEqual(headers);
  });

  it.each([0, 1])("of another client are read, with its codec %i", async (compression) => {
    const records = [
      otherRecord({
        offsetDelta: 0,
        timestampDelta: 0,
        key: Buffer.from("k"),
        value: Buffer.from("a"),
        headers: { n: "1" },
      }),
      otherRecord({ offsetDelta: 1, timestampDelta: 5, key: null, value: null }),
    ];
    const times = { firstTimestamp: 1_000, maxTimestamp: 1_005, lastOffsetDelta: 1 };
    const { buffer } = await otherBatch.RecordBatch({ ...times, compression, records });
    const read = await decodeRecords(where, buffer, 0, []);
    expect(read.records).toEqual([
      {
        offset: 0,
        timestampMs: 1_000,
        key: Buffer.from("k"),
        value: Buffer.from("a"),
        headers: { n: Buffer.from("1") },
      },
      { offset: 1, timestampMs: 1_005, key: null, value: null, headers: undefined },
    ]);
  });
});
