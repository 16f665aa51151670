import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openConfluentRegistry } from "./confluent-registry.ts";
import type { SchemaRegistry } from "./registry.ts";
import type { AvroJson } from "./schema.ts";

const record = (...fields: readonly object[]): AvroJson => ({ type: "record", name: "Payment", fields });
const amount = {
  name: "amount",
  type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 },
  pii: "mask",
};
const note = { name: "note", type: "string", default: "" };

interface Version {
  readonly id: number;
  readonly schema: string;
}

/** A registry in few lines: ids by text, versions by subject, and rules. */
class RegistryInMemory {
  readonly requests: string[] = [];
  readonly rules = new Map<string, string>();
  readonly #subjects = new Map<string, Version[]>();
  readonly #texts: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      const body = await bodyOf(request);
      const answer = this.#answer(request.method!, decodeURIComponent(request.url!).split("/").slice(1), body);
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? { error_code: 40401, message: "not found" }));
    });
  }

  async start(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await once(this.#server.close(), "close");
  }

  #answer(
    method: string,
    [first, second, third, fourth]: readonly string[],
    body: { schema?: string; compatibility?: string },
  ): unknown {
    if (first === "schemas")
      return this.#texts[Number(third) - 1] === undefined ? undefined : { schema: this.#texts[Number(third) - 1] };
    if (first === "config" && method === "PUT") {
      this.rules.set(second!, body.compatibility!);
      return body;
    }
    if (first === "config")
      return this.rules.has(second!) ? { compatibilityLevel: this.rules.get(second!) } : undefined;
    if (second === undefined) return [...this.#subjects.keys()];
    const versions = this.#subjects.get(second) ?? [];
    if (method === "POST") return this.#register(second, versions, body.schema!);
    const version = fourth === "latest" ? versions.length : Number(fourth);
    return versions[version - 1] && { subject: second, version, ...versions[version - 1] };
  }

  #register(subject: string, versions: readonly Version[], schema: string) {
    if (!this.#texts.includes(schema)) this.#texts.push(schema);
    const id = this.#texts.indexOf(schema) + 1;
    this.#subjects.set(subject, [...versions, { id, schema }]);
    return { id };
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, string>> {
  let text = "";
  for await (const part of request) text += part;
  return text === "" ? {} : JSON.parse(text);
}

describe("openConfluentRegistry", () => {
  let server: RegistryInMemory;
  let url: string;
  let registry: SchemaRegistry;
  beforeEach(async () => {
    server = new RegistryInMemory();
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
});
