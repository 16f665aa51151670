import { describe, expect, it } from "vitest";
import type { AvroJson } from "./schema.ts";
import { schemaDiff } from "./schema-diff.ts";

const record = (fields: readonly object[], more: object = {}): AvroJson => ({
  ...{ type: "record", name: "bank.Payment", topic: "payments", ...more },
  fields,
});
const decimal = (precision: number) => ({ type: "bytes", logicalType: "decimal", precision, scale: 2 });
const id = { name: "id", type: "string" };

const diff = (before: AvroJson, after: AvroJson) =>
  schemaDiff(before, after).map(({ path, change, before: was, after: is }) =>
    [change, path, was, is].filter((part) => part !== undefined).join(" | "),
  );

describe("schemaDiff", () => {
  it("finds nothing in schemas that say the same", () => {
    const nested = { name: "line", type: { type: "record", name: "Line", fields: [id] } };
    const again = { name: "other", type: "Line" };
    expect(diff(record([id, nested, again]), record([{ ...id }, nested, again]))).toEqual([]);
  });

  it("tells fields that came, went, were renamed, and have another type or default", () => {
    const before = record([
      id,
      { name: "amount", type: decimal(10) },
      { name: "city", type: "string", default: "" },
      { name: "old", type: ["null", "string"], default: null },
    ]);
    const after = record([
      { name: "number", type: "string", aliases: ["id"] },
      { name: "amount", type: decimal(12) },
      { name: "city", type: "string", default: "?" },
      { name: "note", type: ["null", "string"], default: null },
    ]);
    expect(diff(before, after)).toEqual([
      "changed | Payment.number | id | number",
      "changed | Payment.amount | bytes decimal(10, 2) | bytes decimal(12, 2)",
      'changed | Payment.city@default | "" | "?"',
      "added | Payment.note | union of null, string, default null",
      "removed | Payment.old | union of null, string, default null",
    ]);
  });

  it("looks into arrays, maps, unions and records, also one that contains itself", () => {
    const line = (...fields: readonly object[]) => ({ type: "record", name: "Line", fields });
    const around = (inner: object) =>
      record([
        { name: "lines", type: { type: "array", items: inner } },
        { name: "kind", type: ["null", { type: "enum", name: "Kind", symbols: ["A", "B"] }] },
        { name: "next", type: ["null", "bank.Payment"] },
      ]);
    const changed = JSON.parse(JSON.stringify(around(line(id, { name: "day", type: "int" }))));
    changed.fields[1].type[1].symbols = ["B", "C"];
    expect(diff(around(line(id)), changed)).toEqual([
      "added | Payment.lines[].day | int",
      "added | Payment.kind.C | symbol C",
      "removed | Payment.kind.A | symbol A",
    ]);
  });

  it("tells attributes that are not Avro's: of fields and of the record", () => {
    const after = record([{ ...id, pii: "mask", doc: "of the bank" }], { key: "id", topic: "bank.payments" });
    expect(diff(record([{ ...id, pii: "hash" }]), after)).toEqual([
      'changed | Payment@topic | "payments" | "bank.payments"',
      'added | Payment@key | "id"',
      'changed | Payment.id@pii | "hash" | "mask"',
      'added | Payment.id@doc | "of the bank"',
    ]);
  });
});
