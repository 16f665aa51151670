import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { loadProjectSchemas, schemaFromFile, topicSchemaOf } from "./project-schemas.ts";

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function directoryWith(files: Record<string, unknown>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mulgil-schemas-"));
  directories.push(directory);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), typeof content === "string" ? content : JSON.stringify(content));
  }
  return directory;
}

const fields = [
  { name: "id", type: "long" },
  { name: "day", type: { type: "int", logicalType: "date" } },
  { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
  { name: "note", type: ["null", "string"] },
];
const payment = {
  type: "record",
  name: "Payment",
  topic: "bank.payments",
  key: "id",
  eventTime: "at",
  partitions: 6,
  fields,
};
const wrong = (text: string) =>
  expect.objectContaining({ code: "SCHEMA_FILE", message: expect.stringContaining(text) });

describe("the schemas of a project", () => {
  it("are every .avsc file below a directory, by topic", async () => {
    const directory = await directoryWith({
      "bank/payment.avsc": payment,
      "bank/deep/status.avsc": { type: "enum", name: "Status", symbols: ["A"] },
      "bank/keyless.avsc": { type: "record", name: "Keyless", topic: "keyless", fields },
      "bank/typed.avsc": { type: "record", name: "Typed", topic: "typed", keyType: "string", eventTime: "day", fields },
      "bank/readme.md": "not a schema",
    });
    const schemas = await loadProjectSchemas(directory);
    expect(schemas.files.map(({ file }) => file)).toEqual([
      "bank/deep/status.avsc",
      "bank/keyless.avsc",
      "bank/payment.avsc",
      "bank/typed.avsc",
    ]);
    const { value, ...attributes } = schemas.byTopic("bank.payments")!;
    expect(value).toEqual(payment);
    expect(attributes).toEqual({
      topic: "bank.payments",
      key: "id",
      keyType: "long",
      eventTime: "at",
      partitions: 6,
      file: "bank/payment.avsc",
    });
    expect(schemas.byTopic("keyless")).toMatchObject({ partitions: 4 });
    expect(schemas.byTopic("keyless")).not.toHaveProperty("keyType");
    expect(schemas.byTopic("typed")).toMatchObject({ keyType: "string", eventTime: "day" });
    expect(schemas.byTopic("other")).toBeUndefined();
    expect(schemas.topics).toHaveLength(3);
  });

  it("are all checked before one error names every file that is wrong", async () => {
    const directory = await directoryWith({
      "a.avsc": "{",
      "b.avsc": { type: "record", name: "B", fields: [{ name: "x", type: "Missing" }] },
      "c.avsc": payment,
      "d.avsc": payment,
      "e.avsc": { ...payment, topic: "e", key: "nmae" },
    });
    await expect(loadProjectSchemas(directory)).rejects.toMatchObject({
      code: "SCHEMA_FILE",
      message: expect.stringMatching(
        /^a\.avsc: it is not JSON.*\nb\.avsc: not a valid Avro schema.*\nd\.avsc: topic "bank\.payments" is also in c\.avsc.*\ne\.avsc: .*no field "nmae"/,
      ),
    });
  });

  it.each<[string, object]>([
    ['"topic" must be a name', { topic: "a b" }],
    ['"partitions" must be an integer', { partitions: 0 }],
    ['"key" must be the name', { key: 3 }],
    ["may be null", { key: "note" }],
    ['remove "keyType"', { keyType: "long" }],
    ['"keyType" must be one of string, int, long, double, bytes', { key: undefined, keyType: "decimal" }],
    ['(day, at), not "id"', { eventTime: "id" }],
    ['not "missing"', { eventTime: "missing" }],
  ])("tell that %s", (message, attributes) => {
    const avro = Object.fromEntries(
      Object.entries({ ...payment, ...attributes }).filter(([, value]) => value !== undefined),
    );
    expect(() => topicSchemaOf(avro, "payment.avsc")).toThrow(wrong(message));
    expect(() => topicSchemaOf(avro, "payment.avsc")).toThrow(/^payment\.avsc: /);
  });

  it("name no topic unless they say so", () => {
    expect(topicSchemaOf("string")).toBeUndefined();
    expect(topicSchemaOf({ type: "record", name: "T", fields: [] })).toBeUndefined();
  });

  it("can be read one by one", async () => {
    const directory = await directoryWith({ "a.avsc": payment, "b.avsc": "null" });
    expect(await schemaFromFile(join(directory, "a.avsc"))).toEqual(payment);
    await expect(schemaFromFile(join(directory, "b.avsc"))).rejects.toThrow(wrong("a JSON object"));
  });
});
