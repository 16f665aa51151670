import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AvroNode, avroNodeOf } from "./avro-node.ts";
import { Decimal } from "./decimal.ts";
import { isMasked, MASKED, maskedPath } from "./masked-text.ts";
import { createMasker } from "./masker.ts";
import { type PiiRule, piiProblem } from "./pii.ts";
import type { AvroJson } from "./schema.ts";
import { recordSchemas, valuesOf } from "./schema-arbitraries.ts";

const record = (name: string, fields: readonly unknown[]): AvroJson => ({ type: "record", name, fields });
const digest = (text: string) => text.length.toString(16).padStart(16, "0");

describe("a masker", () => {
  const address = record("Address", [
    { name: "street", type: "string", pii: "drop" },
    { name: "city", type: "string" },
  ]);
  const customer = record("Customer", [
    { name: "id", type: "long" },
    { name: "phone", type: ["null", "string"], default: null, pii: "mask" },
    { name: "email", type: "string", pii: "hash" },
    { name: "income", type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 }, pii: "mask" },
    { name: "addresses", type: { type: "array", items: address } },
    { name: "byLabel", type: { type: "map", values: ["null", "Address"] } },
  ]);
  const value = {
    id: 7,
    phone: "010-1234-5678",
    email: "ana@example.org",
    income: Decimal.of("1200.50"),
    addresses: [{ street: "Nerudova 1", city: "Praha" }],
    byLabel: { work: { street: "Dlouhá 2", city: "Brno" }, none: null },
  };

  it("puts a text in the place of a masked field, one that is equal for equal values in that of a hashed one, and leaves out a dropped one", () => {
    const { json, paths } = createMasker({ writer: customer, digest }).mask(value);
    expect(json).toEqual({
      id: 7,
      phone: MASKED,
      email: `***${digest('"ana@example.org"')}***`,
      income: MASKED,
      addresses: [{ city: "Praha" }],
      byLabel: { work: { city: "Brno" }, none: null },
    });
    expect(paths).toEqual(["phone", "email", "income", "addresses.street", "byLabel.street"]);
  });

  it("masks what it has no key to hash with, and shows null as null", () => {
    const { json } = createMasker({ writer: customer }).mask({ ...value, phone: null });
    expect(json).toMatchObject({ phone: null, email: MASKED });
  });

  it("tells which texts it has hidden, and what it shows for them", () => {
    const { hidden } = createMasker({ writer: customer, digest }).mask(value);
    expect([...hidden.keys()]).toEqual(["010-1234-5678", "ana@example.org", "1200.50", "Nerudova 1", "Dlouhá 2"]);
    expect(hidden.get("ana@example.org")).toBe(`***${digest('"ana@example.org"')}***`);
  });

  it("hides in old values what became personal data later, by path, by alias, and when it got another form", () => {
    const writer = record("R", [
      { name: "tel", type: "string" },
      { name: "who", type: record("Who", [{ name: "name", type: "string" }]) },
      { name: "home", type: "string" },
    ]);
    const later = record("R", [
      { name: "phone", aliases: ["tel"], type: "string", pii: "mask" },
      { name: "who", type: ["null", record("Person", [{ name: "name", type: "string", pii: "drop" }])] },
      { name: "home", type: record("Home", [{ name: "street", type: "string", pii: "mask" }]) },
    ]);
    const { json } = createMasker({ writer, others: [later] }).mask({ tel: "1", who: { name: "Ana" }, home: "Brno" });
    expect(json).toEqual({ tel: MASKED, who: {}, home: MASKED });
  });

  it("looks into the branches of unions, also of those whose values name their branch", () => {
    const person = record("Person", [{ name: "name", type: "string", pii: "mask" }]);
    const firm = record("Firm", [{ name: "name", type: "string" }]);
    const writer = record("R", [{ name: "who", type: ["null", person, firm] }]);
    const shown = (who: unknown) => createMasker({ writer }).mask({ who }).json;
    expect(shown({ Person: { name: "Ana" } })).toEqual({ who: { Person: { name: MASKED } } });
    expect(shown({ Firm: { name: "Škoda" } })).toEqual({ who: { Firm: { name: "Škoda" } } });
    expect(shown(null)).toEqual({ who: null });
  });

  it("takes the stricter of two rules", () => {
    const tagged = (pii: PiiRule) => record("R", [{ name: "a", type: "string", pii }]);
    const shown = (writer: PiiRule, other: PiiRule) =>
      createMasker({ writer: tagged(writer), others: [tagged(other)], digest }).mask({ a: "x" }).json;
    expect([shown("hash", "mask"), shown("mask", "hash"), shown("mask", "drop"), shown("drop", "hash")]).toEqual([
      { a: MASKED },
      { a: MASKED },
      {},
      {},
    ]);
  });

  it("walks records that contain themselves, and says that it hides nothing where nothing is tagged", () => {
    const tree = (pii?: PiiRule) =>
      record("Tree", [
        { name: "name", type: "string", ...(pii && { pii }) },
        { name: "children", type: { type: "array", items: "Tree" } },
      ]);
    const family = { name: "Ana", children: [{ name: "Eva", children: [] }] };
    expect(createMasker({ writer: tree() }).hides).toBe(false);
    expect(createMasker({ writer: tree() }).mask(family).json).toEqual(family);
    expect(createMasker({ writer: tree(), others: [tree("drop")] }).mask(family).json).toEqual({
      children: [{ children: [] }],
    });
  });

  it("masks a field whose rule it cannot read", () => {
    const writer = record("R", [{ name: "a", type: "string", pii: "secret" }]);
    expect(createMasker({ writer }).mask({ a: "x" }).json).toEqual({ a: MASKED });
  });

  it("shows the same whatever stands in tagged fields (for any schema)", () => {
    fc.assert(
      fc.property(
        tagged.chain((writer) => fc.tuple(fc.constant(writer), twins(avroNodeOf(writer)))),
        ([writer, [left, right]]) => {
          const masker = createMasker({ writer });
          expect(masker.mask(right).json).toEqual(masker.mask(left).json);
        },
      ),
    );
  });

  it("hides in values of any schema what another version of it tags", () => {
    fc.assert(
      fc.property(
        tagged.chain((other) => fc.tuple(fc.constant(other), twins(avroNodeOf(other)))),
        ([other, [left, right]]) => {
          const masker = createMasker({ writer: untagged(other), others: [other] });
          expect(masker.mask(right).json).toEqual(masker.mask(left).json);
        },
      ),
    );
  });
});

describe("what stands for hidden values", () => {
  it("is found wherever it lies", () => {
    expect([isMasked(MASKED), isMasked(`***${"0".repeat(16)}***`), isMasked("***"), isMasked(7)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(maskedPath({ a: [{ b: "x" }, { b: MASKED }] })).toBe("a.1.b");
    expect(maskedPath({ a: ["x", null, 1] })).toBeUndefined();
  });
});

describe("a tag", () => {
  it.each([
    [{ name: "a", type: "string", pii: "secret" }, '"pii" of "a" must be "mask", "hash" or "drop", not "secret"'],
    [{ name: "a", type: { type: "string", pii: "mask" } }, '"pii" stands at "string", which is no field'],
    [{ name: "a", type: record("In", [{ name: "b", type: "int", pii: 1 }]) }, '"pii" of "b" must be'],
    [{ name: "a", type: ["null", { type: "array", items: { type: "int", pii: "mask" } }] }, "which is no field"],
  ])("that hides nothing is a mistake: %j", (field, message) => {
    expect(piiProblem(record("R", [field]))).toContain(message);
  });

  it("of a field is right", () => {
    expect(piiProblem(record("R", [{ name: "a", type: "string", pii: "mask" }]))).toBeUndefined();
  });
});

/** Random records, some of whose fields are tagged. */
const tagged: fc.Arbitrary<AvroJson> = recordSchemas.chain((schema) =>
  fc.infiniteStream(fc.constantFrom<PiiRule | undefined>(undefined, undefined, "mask", "drop")).map((rules) => {
    const tag = (part: unknown, isField: boolean): unknown => {
      if (Array.isArray(part)) return part.map((each) => tag(each, false));
      if (typeof part !== "object" || part === null) return part;
      const { fields, ...rest } = part as { readonly [attribute: string]: unknown };
      const inner = Object.fromEntries(Object.entries(rest).map(([name, each]) => [name, tag(each, false)]));
      const rule = isField ? rules.next().value : undefined;
      return {
        ...inner,
        ...(Array.isArray(fields) && { fields: fields.map((field) => tag(field, true)) }),
        ...(rule !== undefined && { pii: rule }),
      };
    };
    return tag(schema, false) as AvroJson;
  }),
);

const untagged = (schema: AvroJson): AvroJson =>
  JSON.parse(JSON.stringify(schema, (name, part) => (name === "pii" ? undefined : part))) as AvroJson;

type Twins = readonly [unknown, unknown];

/** Two values that differ in tagged fields only; null in one is null in the other. */
function twins(node: AvroNode): fc.Arbitrary<Twins> {
  switch (node.kind) {
    case "array":
      return fc.array(twins(node.items), { maxLength: 3 }).map(unzipped);
    case "map":
      return fc
        .dictionary(fc.string({ maxLength: 3 }), twins(node.values), { maxKeys: 3, noNullPrototype: true })
        .map((pairs) => [0, 1].map((side) => part(pairs, side)) as unknown as Twins);
    case "union":
      return fc.oneof(
        ...node.branches.map((branch) =>
          node.isWrapped && branch.kind !== "null"
            ? twins(branch).map(([left, right]): Twins => [{ [nameOf(branch)]: left }, { [nameOf(branch)]: right }])
            : twins(branch),
        ),
      );
    case "record":
      return fc
        .record(
          Object.fromEntries(
            node.fields.map((field) => [
              field.name,
              field.pii === undefined ? twins(field.node) : strangers(field.node),
            ]),
          ),
        )
        .map((pairs) => [part(pairs, 0), part(pairs, 1)]);
    default:
      return valuesOf(node).map((value) => [value, value]);
  }
}

const strangers = (node: AvroNode): fc.Arbitrary<Twins> =>
  fc.tuple(valuesOf(node), valuesOf(node)).filter(([left, right]) => (left === null) === (right === null));

const unzipped = (pairs: readonly Twins[]): Twins => [pairs.map(([left]) => left), pairs.map(([, right]) => right)];

const part = (pairs: Readonly<Record<string, Twins>>, side: number): unknown =>
  Object.fromEntries(Object.entries(pairs).map(([name, pair]) => [name, pair[side]]));

const nameOf = (node: AvroNode): string => ("name" in node ? node.name : node.kind);
