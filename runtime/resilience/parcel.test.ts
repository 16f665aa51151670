import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import { type Parcel, packParcel, parcelCodec, unpackParcel, untravelled } from "./parcel.ts";

const bytes = fc.uint8Array({ maxLength: 20 }).map((all) => Buffer.from(all));
const timeMs = fc.oneof(fc.integer({ min: -1, max: 4e12 }), fc.double({ min: 0, max: 4e12, noNaN: true }));
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const count = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));

const parcels: fc.Arbitrary<Parcel> = fc.record({
  topic: text,
  partition: fc.nat(),
  offset: count,
  timestampMs: timeMs,
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: optional(
    fc
      .dictionary(text, bytes, { minKeys: 1, maxKeys: 3 })
      .map((headers) => Object.fromEntries(Object.entries(headers))),
  ),
  travel: fc.record({
    attempts: count,
    waits: count,
    firstCallMs: optional(timeMs),
    waitedMs: timeMs,
    waitingFromMs: optional(timeMs),
    sinceMs: optional(timeMs),
    notBeforeMs: timeMs,
  }),
  address: optional(fc.record({ resource: text, orderKey: optional(text), subject: optional(text) })),
});

describe("a record on its way", () => {
  it("is in state and in a tier what it was", () => {
    fc.assert(
      fc.property(parcels, (parcel) => {
        const out = new ByteWriter(1);
        parcelCodec.write(parcel, out);
        expect(parcelCodec.read(new ByteReader(out.buffer.subarray(0, out.position)))).toEqual(parcel);
        expect(unpackParcel(packParcel(parcel), parcel)).toEqual(parcel);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps bytes of its own, not views of what a store gave", () => {
    const out = new ByteWriter();
    const parcel: Parcel = {
      ...{ topic: "t", partition: 0, offset: 0, timestampMs: 0, address: undefined, travel: untravelled },
      ...{ key: Buffer.from("key"), value: Buffer.from("value"), headers: { mine: Buffer.from("x") } },
    };
    parcelCodec.write(parcel, out);
    const read = parcelCodec.read(new ByteReader(out.buffer.subarray(0, out.position)));
    out.buffer.fill(0);
    expect(read).toEqual(parcel);
  });

  it("is told from garbage: nothing that is cut, longer, or any bytes is taken for one", () => {
    fc.assert(
      fc.property(parcels, fc.nat(), (parcel, cut) => {
        const label = packParcel(parcel);
        expect(() => unpackParcel(label.subarray(0, cut % label.length), parcel)).toThrow();
        expect(() => unpackParcel(Buffer.concat([label, Buffer.from([cut % 256])]), parcel)).toThrow();
      }),
    );
  });

  it.each<[string, Partial<Parcel>]>([
    ["a negative offset", { offset: -1 }],
    ["a negative partition", { partition: -1 }],
    ["no time", { timestampMs: Number.NaN }],
    ["negative attempts", { travel: { ...untravelled, attempts: -1 } }],
    ["negative waits", { travel: { ...untravelled, waits: -1 } }],
    ["a time that never comes", { travel: { ...untravelled, notBeforeMs: Number.POSITIVE_INFINITY } }],
    ["waiting since for ever", { travel: { ...untravelled, sinceMs: Number.NEGATIVE_INFINITY } }],
    ["having waited no number of ms", { travel: { ...untravelled, waitedMs: Number.NaN } }],
  ])("is not taken for one if it says what cannot be: %s", (_what, wrong) => {
    const parcel = { topic: "t", partition: 0, offset: 0, timestampMs: 0, key: null, value: null, headers: undefined };
    const label = packParcel({ ...parcel, travel: untravelled, address: undefined, ...wrong });
    expect(() => unpackParcel(label, parcel)).toThrow("it says what cannot be");
  });
});
