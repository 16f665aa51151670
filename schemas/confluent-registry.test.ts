import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openConfluentRegistry } from "./confluent-registry.ts";
import type { MulgilError } from "./mulgil-error.ts";
import type { SchemaRegistry } from "./registry.ts";
import { type Answering, RegistryServer } from "./registry-server.fixture.ts";
import type { AvroJson } from "./schema.ts";

const record = (...fields: readonly object[]): AvroJson => ({ type: "record", name: "Payment", fields });
const amount = {
  name: "amount",
  type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 },
  pii: "mask",
};
const note = { name: "note", type: "string", default: "" };

describe("openConfluentRegistry", () => {
  let server: RegistryServer;
  let url: string;
  let registry: SchemaRegistry;
  beforeEach(async () => {
    server = new RegistryServer();
    url = await server.start();
    registry = await openConfluentRegistry({ url });
  });
  afterEach(() => server.stop());

  it("registers, with BACKWARD for a new subject, and gives back every attribute", async () => {
    const id = await registry.register("payments-value", record(amount));
    expect(server.rules.get("payments-value")).toBe("BACKWARD");
    const other = await openConfluentRegistry({ url });
    expect(await other.schemaById(id)).toEqual(record(amount));
    expect(await other.latest("payments-value")).toEqual({
      subject: "payments-value",
      version: 1,
      id,
      avro: record(amount),
    });
    expect(await other.subjects()).toEqual(["payments-value"]);
  });

  it("leaves the rule of a subject alone", async () => {
    server.rules.set("payments-value", "FULL_TRANSITIVE");
    await registry.register("payments-value", record(amount));
    expect(server.rules.get("payments-value")).toBe("FULL_TRANSITIVE");
    expect(await registry.compatibilityOf("payments-value")).toBe("FULL_TRANSITIVE");
    expect(await registry.compatibilityOf("others-value")).toBeUndefined();
  });

  it("lists versions, oldest first, and gives an equal schema the id that it has", async () => {
    const first = await registry.register("payments-value", record(amount));
    const second = await registry.register("payments-value", record(amount, note));
    const again = await openConfluentRegistry({ url });
    expect(await again.register("payments-value", record(amount, note))).toBe(second);
    expect((await again.versions("payments-value")).map(({ id, version }) => [version, id])).toEqual([
      [1, first],
      [2, second],
    ]);
    expect(await again.versions("nothing-value")).toEqual([]);
    expect(await again.latest("nothing-value")).toBeUndefined();
  });

  it("registers types without a name", async () => {
    const id = await registry.register("payments-key", "string");
    expect(await registry.schemaById(id)).toBe("string");
  });

  it("refuses a schema that cannot read the latest, before it asks", async () => {
    await registry.register("payments-value", record(amount));
    const call = registry.register("payments-value", record({ ...note, default: undefined }));
    await expect(call).rejects.toMatchObject({ code: "SCHEMA_INCOMPATIBLE" });
  });

  it("asks once for each id, and goes on with what it knows while the registry is away", async () => {
    const id = await registry.register("payments-value", record(amount));
    const other = await openConfluentRegistry({ url });
    await Promise.all([other.schemaById(id), other.schemaById(id), other.register("payments-value", record(amount))]);
    expect(server.requests.filter((request) => request.startsWith("GET /schemas/ids/"))).toHaveLength(1);
    await server.stop();
    expect(await other.schemaById(id)).toEqual(record(amount));
    expect(await other.register("payments-value", record(amount))).toBe(id);
    await expect(other.schemaById(id + 1)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });

  it("says that an id is unknown, and asks again later", async () => {
    await expect(registry.schemaById(1)).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN_ID" });
    await registry.register("payments-value", record(amount));
    expect(await registry.schemaById(1)).toEqual(record(amount));
  });

  it("says that an id is unknown only by the registry's own word, and never for ever", async () => {
    server.answering = { status: 404, type: "text/html", body: "<h1>no such route</h1>" };
    await expect(registry.schemaById(1)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: expect.stringContaining("status 404, by something that is no schema registry: <h1>no such route</h1>"),
    });
    server.answering = { status: 404, body: '{"message":"no route matched"}' };
    await expect(registry.schemaById(1)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    server.answering = { status: 404, body: '{"error_code":40403,"message":"Schema 1 not found"}' };
    await expect(registry.schemaById(1)).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN_ID" });
  });

  it.each<[string, Answering, RegExp]>([
    ["never answers", "never", /it took too long/],
    ["stops in the middle of an answer", "half", /it took too long/],
    ["breaks off in the middle of an answer", "cut", /it took too long/],
    ["has an empty page", { status: 200, body: "" }, /something that is no schema registry/],
    ["has a page for people", { status: 200, type: "text/html", body: "<html>" }, /no schema registry: <html>/],
    ["says nothing with its error", { status: 500, body: "null" }, /status 500/],
    ["has another service at its address", { status: 200, body: '{"status":"ok"}' }, /without a schema/],
  ])("ends a question in time if the registry %s", async (_, answering, message) => {
    server.answering = answering;
    const requestTimeoutMs = typeof answering === "string" ? 300 : 30_000;
    const impatient = await openConfluentRegistry({ url, requestTimeoutMs });
    await expect(impatient.schemaById(1)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: expect.stringMatching(message),
    });
    server.answering = "well";
    const code = () => impatient.schemaById(1).catch((error: MulgilError) => error.code);
    await expect.poll(code, { timeout: 30_000 }).toBe("SCHEMA_UNKNOWN_ID");
  });

  it("says where the registry was looked for", async () => {
    await server.stop();
    await expect(registry.subjects()).rejects.toThrow(
      new RegExp(`^could not list the subjects: .*ECONNREFUSED.*; is the schema registry running at ${url}`),
    );
  });
});
