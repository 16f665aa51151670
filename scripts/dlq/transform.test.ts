import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { deadLetterOf } from "../../runtime/ops/dead-letters.ts";
import type { LetterTransform } from "../../runtime/ops/letter-transform.ts";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import { frameId } from "../../schemas/frame.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { createEncoder, createGenericDecoder } from "../../schemas/value-serde.ts";
import { Transformer } from "./transform.ts";

const schemaWith = (...fields: readonly object[]): AvroJson => ({
  ...{ type: "record", name: "Payment" },
  fields: [{ name: "id", type: "string" }, ...fields] as never,
});
const FIRST = schemaWith({ name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } });
const SECOND = schemaWith(
  { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
  { name: "shop", type: ["null", "string"], default: null },
);

async function opened(value: (encode: (json: unknown) => Buffer) => Buffer | null) {
  const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
  const first = await registry.register("payments-value", FIRST);
  const second = await registry.register("payments-value", SECOND);
  const { fromJson, toJson } = await import("../../schemas/json.ts");
  const bytes = value((json) => createEncoder(FIRST, first)(fromJson(FIRST, json)));
  const headers = { topic: "payments", partition: "0", offset: "1", timestamp: "1000", code: "X", step: "map" };
  const letter = deadLetterOf({
    ...{ topic: "job.dlq", partition: 0, offset: 0, timestampMs: 2_000, key: Buffer.from("k"), value: bytes },
    headers: {
      shop: Buffer.from("web"),
      ...Object.fromEntries(Object.entries(headers).map(([name, text]) => [`mulgil.dlq.${name}`, Buffer.from(text)])),
    },
  });
  const decoder = createGenericDecoder({ registry });
  for (const id of [first, second]) await decoder.load(id);
  return {
    ...{ first, second, letter, bytes },
    mend: (transform: LetterTransform) => new Transformer(registry, transform).mend(letter),
    read: (written: Buffer) => ({
      id: frameId(written),
      value: toJson(decoder.avroOf(written), decoder.decode(written)),
    }),
  };
}
const payment = (encode: (json: unknown) => Buffer) => encode({ id: "a", amount: "12.50" });

describe("a transform of dead letters", () => {
  it("gets the value as JSON, with where it came from and why it is here", async () => {
    const { mend, bytes } = await opened(payment);
    const seen: unknown[] = [];
    await mend((letter) => {
      seen.push(letter);
      return letter;
    });
    expect(seen).toEqual([
      {
        ...{ value: { id: "a", amount: "12.50" }, key: "k", bytes, headers: { shop: "web" } },
        ...{ code: "X", message: "", step: "map", timestamp: "1970-01-01T00:00:02.000Z", attempts: undefined },
        source: { topic: "payments", partition: 0, offset: 1, timestamp: "1970-01-01T00:00:01.000Z" },
      },
    ]);
  });

  it("leaves the bytes as they are where it changes nothing", async () => {
    const { mend, bytes } = await opened(payment);
    expect(await mend((letter) => letter)).toEqual({ kind: "mended", value: bytes });
    const garbled = await opened(() => Buffer.from("no avro"));
    expect(await garbled.mend((letter) => letter)).toEqual({ kind: "mended", value: Buffer.from("no avro") });
  });

  it("writes with the schema that the value had, also where it changed the value in place", async () => {
    const { mend, read, first } = await opened(payment);
    const mended = await mend(async (letter) => {
      (letter.value as { amount: string }).amount = "0.99";
      return letter;
    });
    expect(mended.kind === "mended" && read(mended.value!)).toEqual({ id: first, value: { id: "a", amount: "0.99" } });
  });

  it.each([
    ["the value has a field that only the newest schema has", payment],
    ["the bytes could not be decoded", () => Buffer.from("no avro")],
    ["the value was a tombstone", () => null],
  ])("writes with the newest schema of the topic where %s", async (_when, value) => {
    const { mend, read, second } = await opened(value as typeof payment);
    const mended = await mend(() => ({ value: { id: "b", amount: "1.00", shop: "web" } }));
    expect(mended.kind === "mended" && read(mended.value!)).toEqual({
      id: second,
      value: { id: "b", amount: "1.00", shop: "web" },
    });
  });

  it("may make a tombstone, and may leave the letter", async () => {
    const { mend } = await opened(payment);
    expect(await mend(() => ({ value: null }))).toEqual({ kind: "mended", value: null });
    expect(await mend(() => null)).toEqual({ kind: "skipped" });
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no idea")), /^no idea$/],
    ["gives nothing", () => undefined, /neither a letter with a value nor null/],
    ["gives what fits no schema", () => ({ value: { id: 1 } }), /does not fit the schema "Payment".*amount/],
    ["gives a field that no schema has", () => ({ value: { id: "a", amount: "1.00", x: 1 } }), /x: the schema has no/],
  ])("has failed where it %s", async (_what, transform, reason) => {
    const { mend } = await opened(payment);
    expect(await mend(transform as LetterTransform)).toEqual({ kind: "failed", reason: expect.stringMatching(reason) });
  });
});
