import { describe, expect, it } from "vitest";
import { checkVersions } from "./compatible-versions.ts";
import type { Compatibility } from "./registry.ts";
import type { AvroJson } from "./schema.ts";

const record = (...fields: readonly object[]): AvroJson => ({ type: "record", name: "Payment", fields });
const id = { name: "id", type: "string" };
const amount = { name: "amount", type: "long" };
const note = { name: "note", type: "string", default: "" };

const version = (number: number, avro: AvroJson) => ({ subject: "s", version: number, id: 10 * number, avro });
/** The first has no amount, the second gave it a default that the third took away. */
const VERSIONS = [
  version(1, record(id)),
  version(2, record(id, { ...amount, default: 0 })),
  version(3, record(id, amount)),
];

const found = (avro: AvroJson, rule: Compatibility | undefined, carried?: readonly number[]) =>
  checkVersions({ avro, versions: VERSIONS, rule, carried: carried && new Set(carried) }).map(
    (issue) => `${issue.direction} ${issue.version} ${issue.path}`,
  );

describe("checkVersions", () => {
  it("finds the oldest version that records may carry, which a registry that looks at the latest would not", () => {
    const avro = record(id, amount, note);
    expect(found(avro, "BACKWARD")).toEqual(["reads 1 Payment.amount"]);
    expect(found(avro, "NONE")).toEqual(["reads 1 Payment.amount"]);
  });

  it("asks nothing of versions that no record carries, but what the rule of the subject demands", () => {
    const avro = record(id, amount, note, { name: "day", type: "int" });
    expect(found(avro, "NONE", [])).toEqual([]);
    expect(found(avro, "BACKWARD", [])).toEqual(["reads 3 Payment.day"]);
    expect(found(avro, undefined, [])).toEqual(["reads 3 Payment.day"]);
    expect(found(avro, "FORWARD", [])).toEqual([]);
    expect(found(avro, "FORWARD", [20])).toEqual(["reads 2 Payment.day"]);
    expect(found(avro, "BACKWARD_TRANSITIVE", [])).toEqual([
      "reads 1 Payment.amount",
      "reads 1 Payment.day",
      "reads 2 Payment.day",
      "reads 3 Payment.day",
    ]);
  });

  it("finds readers that could not read what the new schema writes, where the rule looks forward", () => {
    const avro = record(id);
    expect(found(avro, "BACKWARD")).toEqual([]);
    expect(found(avro, "FORWARD")).toEqual(["is read 3 Payment.amount"]);
    expect(found(avro, "FULL")).toEqual(["is read 3 Payment.amount"]);
    const renamed = record({ name: "key", type: "string", aliases: ["id"] });
    expect(found(renamed, "FULL_TRANSITIVE")).toEqual([
      "is read 1 Payment.id",
      "is read 2 Payment.id",
      "is read 3 Payment.id",
      "is read 3 Payment.amount",
    ]);
  });
});
