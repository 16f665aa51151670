import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Decimal } from "../../schemas/decimal.ts";
import { MASKED } from "../../schemas/masked-text.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { createEntryMask, unmasked } from "./entry-mask.ts";
import type { EntrySecrets, PartSecrets } from "./entry-secrets.ts";

const OPEN: PartSecrets = { kind: "open" };
const WHOLE: PartSecrets = { kind: "hidden", rule: "mask" };
const HASHED: PartSecrets = { kind: "hidden", rule: "hash" };

const CUSTOMER: AvroJson = {
  ...{ type: "record", name: "Customer" },
  fields: [
    { name: "phone", type: "string", pii: "hash" },
    { name: "name", type: ["null", "string"], pii: "drop" },
    { name: "balance", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
  ],
};
const FIELDS: PartSecrets = { kind: "fields", writer: CUSTOMER, others: [] };
const ANA = { phone: "010-1234", name: "Ana", balance: Decimal.of("12.30") };

const digest = (text: string) => createHash("md5").update(text).digest("hex").slice(0, 16);
const hashed = (text: string) => `***${digest(JSON.stringify(text))}***`;

const maskOf = (secrets: Partial<EntrySecrets>, options?: Parameters<typeof createEntryMask>[1]) =>
  createEntryMask({ key: OPEN, entryKey: OPEN, value: OPEN, ...secrets }, options);

describe("an entry", () => {
  it("is shown as it is where nothing is personal", () => {
    expect(maskOf({})).toBe(unmasked);
    expect(unmasked.show({ key: "a", entryKey: "b", windowStartMs: 1, value: ANA })).toEqual({
      ...{ key: "a", entryKey: "b", windowStartMs: 1 },
      value: { ...ANA, balance: "12.30" },
    });
  });

  it.each([
    ["its key", { key: WHOLE }, { key: MASKED, entryKey: 7, value: [1] }, ["key"]],
    ["what stands behind its key", { entryKey: WHOLE }, { key: "a", entryKey: MASKED, value: [1] }, ["entryKey"]],
    ["its value", { value: WHOLE }, { key: "a", entryKey: 7, value: MASKED }, ["value"]],
    [
      "all of it",
      { key: HASHED, entryKey: WHOLE, value: WHOLE },
      { key: MASKED, entryKey: MASKED, value: MASKED },
      ["key", "entryKey", "value"],
    ],
  ] as const)("hides %s, and says so", (_what, secrets, expected, masked) => {
    expect(maskOf(secrets).show({ key: "a", entryKey: 7, value: [1] })).toEqual({ ...expected, masked });
  });

  it("hides the tagged fields of its value by their rules", () => {
    const entry = { key: "c-1", value: ANA };
    const masked = ["value.phone", "value.name"];
    expect(maskOf({ value: FIELDS }).show(entry)).toEqual({
      key: "c-1",
      value: { phone: MASKED, balance: "12.30" },
      masked,
    });
    expect(maskOf({ value: FIELDS }, { digest }).show(entry).value).toEqual({
      phone: hashed("010-1234"),
      balance: "12.30",
    });
  });

  it("has a key that is told apart by its hash, if there is a key for hashes", () => {
    const mask = maskOf({ key: HASHED }, { digest });
    expect(mask.show({ key: "a", value: 1 })).toEqual({ key: hashed("a"), value: 1, masked: ["key"] });
    expect(maskOf({ key: WHOLE }, { digest }).show({ key: "a", value: 1 }).key).toBe(MASKED);
  });

  it("has no key that is a copy of what is hidden in its value", () => {
    const mask = maskOf({ key: { kind: "open", isUndescribed: true }, value: FIELDS });
    expect(mask.show({ key: "010-1234", value: ANA })).toMatchObject({
      key: MASKED,
      masked: ["key", "value.phone", "value.name"],
    });
    expect(mask.show({ key: "c-1", value: ANA })).toMatchObject({ key: "c-1", masked: ["value.phone", "value.name"] });
  });

  it("shows a key to whoever has named it, and nothing more", () => {
    const mask = maskOf({ key: WHOLE, value: FIELDS }, { isKeyKnown: true });
    expect(mask.show({ key: "010-1234", value: ANA })).toEqual({
      ...{ key: "010-1234", value: { phone: MASKED, balance: "12.30" } },
      masked: ["value.phone", "value.name"],
    });
  });

  it("shows that there is nothing", () => {
    expect(maskOf({ value: WHOLE }).show({ key: "a", value: undefined })).toEqual({ key: "a", value: null });
    expect(maskOf({ value: FIELDS }).show({ key: "a", value: undefined })).toEqual({ key: "a", value: null });
  });
});

describe("what cannot be read", () => {
  const bytes = Buffer.from("010-1234");

  it("is shown as bytes only where nothing is personal", () => {
    expect(unmasked.bytes(bytes, "broken")).toEqual({ $bytes: bytes.toString("base64"), $error: "broken" });
    expect(maskOf({ value: WHOLE }).bytes(bytes, "broken")).toEqual({ $bytes: MASKED, $length: 8, $error: "broken" });
    expect(maskOf({ key: WHOLE }, { digest }).bytes(bytes)).toEqual({
      $bytes: `***${digest(bytes.toString("base64"))}***`,
      $length: 8,
    });
  });
});

describe("the hash of a key", () => {
  const bytes = Buffer.from("010-1234");
  const plain = createHash("sha256").update(bytes).digest("hex").slice(0, 16);

  it("can be tried out only where the key is not personal", () => {
    expect(unmasked.keyHash(bytes)).toBe(plain);
    expect(maskOf({ value: FIELDS }).keyHash(bytes)).toBe(plain);
    for (const secrets of [
      { key: WHOLE },
      { entryKey: WHOLE },
      { key: { kind: "open", isUndescribed: true }, value: FIELDS },
    ] as const) {
      expect(maskOf(secrets).keyHash(bytes)).toBe(MASKED);
      expect(maskOf(secrets, { digest }).keyHash(bytes)).toBe(`***${digest(bytes.toString("base64"))}***`);
    }
  });
});
