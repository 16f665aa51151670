import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avroCodec } from "./avro-codec.ts";
import { avroNodeOf } from "./avro-node.ts";
import { avroTypeOf } from "./avro-type.ts";
import { recordSchemas, valuesOf } from "./schema-arbitraries.ts";

/** A slab that grows to exactly what is asked for, from nothing. */
class TightSlab {
  buffer = Buffer.alloc(0);
  position = 0;
  ensure(bytes: number): void {
    if (this.position + bytes <= this.buffer.length) return;
    const grown = Buffer.alloc(this.position + bytes);
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }
}

describe("avroCodec", () => {
  it("writes values one after the other into a slab that grows, and reads them back", () => {
    fc.assert(
      fc.property(recordSchemas, fc.gen(), (avro, generate) => {
        const codec = avroCodec<unknown>({ avro });
        const out = new TightSlab();
        const values = [1, 2, 3].map(() => generate(valuesOf, avroNodeOf(avro)));
        for (const value of values) codec.write(value, out);
        expect(out.buffer.subarray(0, out.position)).toEqual(
          Buffer.concat(values.map((value) => avroTypeOf(avro).toBuffer(value))),
        );
        const input = { buffer: out.buffer, position: 0 };
        for (const value of values)
          expect(avroTypeOf(avro).toBuffer(codec.read(input))).toEqual(avroTypeOf(avro).toBuffer(value));
        expect(input.position).toBe(out.position);
      }),
    );
  });

  it("leaves the slab where it was when a value does not fit the schema", () => {
    const out = new TightSlab();
    const codec = avroCodec<number>({ avro: "long" });
    codec.write(1, out);
    expect(() => codec.write(0.5, out)).toThrow(expect.objectContaining({ code: "VALUE_INVALID" }));
    expect(out.position).toBe(1);
  });

  it("tells damaged bytes", () => {
    const codec = avroCodec<string>({ avro: "string" });
    const damaged = expect.objectContaining({
      code: "VALUE_UNDECODABLE",
      message: expect.stringContaining("the store is damaged"),
    });
    expect(() => codec.read({ buffer: Buffer.from([8, 0x61]), position: 0 })).toThrow(damaged);
    expect(() => avroCodec<unknown>({ avro: ["null", "int"] }).read({ buffer: Buffer.from([8]), position: 0 })).toThrow(
      damaged,
    );
  });
});
