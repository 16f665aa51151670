import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchEncoder, openBatch } from "./batch-encoding.ts";
import type { BatchHeader } from "./stored-batch.ts";

const where = { topic: "t", partition: 3 };
const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const records = fc.array(
  fc.record({
    gap: fc.integer({ min: 0, max: 1000 }),
    key: fc.option(bytes),
    value: fc.option(bytes),
    timestampMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    headers: fc.option(fc.dictionary(fc.string({ unit: "grapheme" }), bytes, { noNullPrototype: true }), {
      nil: undefined,
    }),
  }),
  { maxLength: 10 },
);

function headerOf(baseOffset: number, lastOffset: number, maxTimestampMs: number): BatchHeader {
  return { baseOffset, lastOffset, producerId: 7, marker: undefined, maxTimestampMs, tombstonesDueMs: undefined };
}

describe("a stored batch", () => {
  it("comes back as it was, with gaps between offsets", () => {
    const encoder = new BatchEncoder();
    fc.assert(
      fc.property(records, fc.integer({ min: 0, max: 2 ** 45 }), (generated, baseOffset) => {
        let offset = baseOffset;
        const placed = generated.map(({ gap, ...record }) => {
          offset += gap + 1;
          return { ...record, offset };
        });
        const header = headerOf(baseOffset, offset, Math.max(0, ...placed.map(({ timestampMs }) => timestampMs)));
        const opened = openBatch(encoder.encode(header, placed), baseOffset, where);
        expect(opened.header).toEqual(header);
        expect(opened.records).toEqual(placed);
        expect(opened.recordCount).toBe(placed.length);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what it says beside its records", () => {
    for (const marker of ["commit", "abort", undefined] as const) {
      const header = { ...headerOf(5, 5, 9), marker, tombstonesDueMs: 12 };
      expect(openBatch(new BatchEncoder().encode(header, []), 5, where).header).toEqual(header);
    }
  });

  it("is refused wherever one bit of it has changed, with topic, partition and offset", () => {
    const encoded = new BatchEncoder().encode(headerOf(40, 40, 1), [
      { offset: 40, key: Buffer.from("k"), value: Buffer.from("v"), timestampMs: 1 },
    ]);
    for (let bit = 0; bit < encoded.length * 8; bit++) {
      const damaged = Buffer.from(encoded);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openBatch(damaged, 40, where)).toThrow(
        expect.objectContaining({ code: "LOG_CORRUPT", context: { topic: "t", partition: 3, offset: 40 } }),
      );
    }
    for (let length = 0; length < encoded.length; length++) {
      expect(() => openBatch(encoded.subarray(0, length), 40, where)).toThrow(/offset 40 is damaged/);
    }
  });
});
