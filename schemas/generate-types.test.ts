import { spawnSync } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import { checkTypes, generateTypes, writeTypes } from "./generate-types.ts";
import type { AvroJson, Schema, SchemaType } from "./schema.ts";
import { recordSchemas } from "./schema-arbitraries.ts";
import { typeSource } from "./type-source.ts";
import { type AccountMonth, accountMonth } from "./types/bank/account-month.ts";
import { type Transaction, transaction, transactions } from "./types/bank/transaction.ts";

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function directoryWith(files: Record<string, AvroJson>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mulgil-types-"));
  directories.push(directory);
  for (const [file, avro] of Object.entries(files)) await writeFile(join(directory, file), JSON.stringify(avro));
  return directory;
}

/** What the repository's formatter makes of a source. */
function formatted(source: string): string {
  const biome = join(import.meta.dirname, "../node_modules/.bin/biome");
  const result = spawnSync(biome, ["format", "--stdin-file-path=schemas/types/sample.ts"], {
    input: source,
    encoding: "utf8",
    cwd: join(import.meta.dirname, ".."),
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout;
}

const everything: AvroJson = {
  type: "record",
  name: "shop.Order",
  doc: "An order */ with an end.\nAnd a second line.",
  topic: "shop.order",
  key: "id",
  "x-owner": 'it\'s "ours"',
  fields: [
    { name: "id", type: { type: "string", logicalType: "uuid" }, doc: "Its 'id'." },
    { name: "price", type: ["null", { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }], default: null },
    { name: "lines", type: { type: "array", items: { type: "record", name: "Line", fields: [] } } },
    { name: "notes", type: { type: "array", items: ["null", "string"] } },
    { name: "grid", type: { type: "array", items: { type: "array", items: "int" } } },
    { name: "tags", type: { type: "map", values: "Line" } },
    { name: "raw", type: ["bytes", "boolean"] },
    { name: "hash", type: { type: "fixed", name: "Hash", size: 4 } },
    { name: "either", type: ["null", "int", "double", "shop.Line", { type: "map", values: "int" }] },
    { name: "parent", type: ["null", "Order"], doc: "x".repeat(130) },
    {
      name: "kind",
      type: { type: "enum", name: "Kind", symbols: ["A"], aliases: [] },
      aliases: ["sort"],
      order: "ignore",
    },
  ],
};

describe("generated types", () => {
  it("have a TypeScript type for every Avro type", () => {
    const source = typeSource(everything, "shop/order.avsc");
    expect(source).toMatch(
      /^\/\/ Generated from shop\/order\.avsc by "mulgil types"\. Do not edit\.\nimport type \{ Decimal \} from "mulgil";\n\n/,
    );
    for (const line of [
      "  /** Its 'id'. */\n  readonly id: string;",
      "  readonly price: Decimal | null;",
      "  readonly lines: readonly Line[];",
      "  readonly notes: readonly (string | null)[];",
      "  readonly grid: readonly (readonly number[])[];",
      "  readonly tags: { readonly [key: string]: Line };",
      "  readonly raw: Buffer | boolean;",
      "  readonly hash: Hash;",
      '    | { readonly "shop.Line": Line }\n',
      "  readonly parent: Order | null;",
      'export type Kind = "A";',
      "export type Hash = Buffer;",
      "export const orderSchema: {",
      'export const order = {\n  name: "shop.order",\n  value: orderSchema,\n  key: "id",\n  partitions: 4,\n} as const;\n',
    ]) {
      expect(source).toContain(line);
    }
    expect(formatted(source)).toBe(source);
  });

  it("import nothing they do not need", () => {
    expect(
      typeSource(
        { type: "record", name: "A", doc: "No Decimal here.", fields: [{ name: "x", type: "int" }] },
        "a.avsc",
      ),
    ).not.toContain("import");
  });

  it("are laid out as the formatter would, whatever the schema", () => {
    const schemas = fc.sample(recordSchemas, { numRuns: 150, seed: 11 });
    const sources = schemas.map((avro, index) => {
      const renamed = JSON.parse(JSON.stringify(avro).replaceAll('"R', `"R${index}x`)) as object;
      const words = "It is ".repeat(index % 25);
      return typeSource(
        {
          ...renamed,
          doc: words + (index % 2 ? "'" : '"'),
          topic: `t.topic-${index}`,
          "x-a": words,
          note: words,
          notes: words,
        },
        `r${index}.avsc`,
      );
    });
    const source = sources.join("\n");
    expect(formatted(source)).toBe(source);
  });

  it("are refused where two types or none would have a name", () => {
    const wrong = (text: string) =>
      expect.objectContaining({ code: "SCHEMA_FILE", message: expect.stringContaining(text) });
    const twice = {
      type: "record",
      name: "a.T",
      fields: [{ name: "x", type: { type: "fixed", name: "b.T", size: 1 } }],
    };
    expect(() => typeSource(twice, "t.avsc")).toThrow(
      wrong('t.avsc: "b.T" and "a.T" would both be the type T: rename one'),
    );
    expect(() => typeSource({ type: "record", name: "Decimal", fields: [] }, "t.avsc")).toThrow(
      wrong("the Decimal of this package"),
    );
    expect(() => typeSource("string", "t.avsc")).toThrow(wrong("give it a name"));
  });

  it("are handles that carry the schema, its type and the literals of the topic", () => {
    expectTypeOf(transaction).toExtend<Schema<Transaction>>();
    expectTypeOf(accountMonth).toExtend<Schema<AccountMonth>>();
    expectTypeOf<SchemaType<typeof transaction>>().toEqualTypeOf<Transaction>();
    expectTypeOf<SchemaType<(typeof transactions)["value"]>>().toEqualTypeOf<Transaction>();
    expectTypeOf(transactions.name).toEqualTypeOf<"bank.transactions">();
    expectTypeOf(transactions.key).toEqualTypeOf<"accountId">();
    expectTypeOf(transactions.eventTime).toEqualTypeOf<"date">();
    expectTypeOf<Transaction["type"]>().toEqualTypeOf<"CREDIT" | "DEBIT">();
    expect(transactions).toMatchObject({
      name: "bank.transactions",
      value: transaction,
      key: "accountId",
      eventTime: "date",
      partitions: 4,
    });
  });

  it("are committed and current, and hold exactly the schema", async () => {
    expect(await checkTypes(import.meta.dirname)).toEqual({ stale: [], missing: [], superfluous: [] });
    expect(transaction.avro).toEqual(
      JSON.parse(await readFile(join(import.meta.dirname, "bank/transaction.avsc"), "utf8")),
    );
  });

  it("are written, found stale, missing or superfluous, and brought up to date", async () => {
    const record = (name: string, rest: object = {}): AvroJson => ({ type: "record", name, fields: [], ...rest });
    const directory = await directoryWith({ "a.avsc": record("A"), "b.avsc": record("B") });
    expect(await checkTypes(directory)).toEqual({ stale: [], missing: ["a.ts", "b.ts"], superfluous: [] });
    await writeTypes(directory);
    expect(await checkTypes(directory)).toEqual({ stale: [], missing: [], superfluous: [] });
    expect(await readFile(join(directory, "types/a.ts"), "utf8")).toBe((await generateTypes(directory)).get("a.ts"));

    await writeFile(join(directory, "a.avsc"), JSON.stringify(record("A", { doc: "new" })));
    await rm(join(directory, "b.avsc"));
    await mkdir(join(directory, "types/own"));
    await writeFile(join(directory, "types/own/mine.ts"), "export const mine = 1;\n");
    expect(await writeTypes(directory)).toEqual({ stale: ["a.ts"], missing: [], superfluous: ["b.ts"] });
    expect(await checkTypes(directory)).toEqual({ stale: [], missing: [], superfluous: [] });
    await expect(access(join(directory, "types/b.ts"))).rejects.toThrow("ENOENT");
    await access(join(directory, "types/own/mine.ts"));
  });
});
