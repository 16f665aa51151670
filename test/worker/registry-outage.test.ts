import { count, defineJob, type JobEvent, sum } from "mulgil";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { JobsRun } from "../../runtime/worker/run-jobs.ts";
import { openConfluentRegistry } from "../../schemas/confluent-registry.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { type Answering, RegistryServer } from "../../schemas/registry-server.fixture.ts";
import type { Schema } from "../../schemas/schema.ts";
import { createValueSerde } from "../../schemas/value-serde.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals } from "./jobs.ts";

const soon = { timeout: 20_000, interval: 20 };
const AWAY: Readonly<Record<string, Answering | "refused">> = {
  "refuses connections": "refused",
  "never answers": "never",
  "breaks off in the middle of an answer": "cut",
  "stops in the middle of an answer": "half",
  "answers 503": { status: 503 },
  "answers 401": { status: 401 },
  "answers 403": { status: 403 },
  "answers 429": { status: 429 },
  "lies behind a proxy that knows nothing of it": { status: 404, type: "text/html", body: "<h1>not here</h1>" },
  "has another service in its place": { status: 404, body: '{"error_code":404,"message":"HTTP 404 Not Found"}' },
  "lies behind a proxy that wants a login": { status: 200, type: "text/html", body: "<h1>who are you?</h1>" },
};

/** Another version of the payments' schema, for every number. */
const version = (number: number): Schema<unknown> => {
  const { fields, ...rest } = payments.value.avro as { readonly fields: readonly object[] };
  return { avro: { ...rest, fields: [...fields, { name: `extra${number}`, type: "int", default: number }] } } as never;
};

const job = defineJob({
  name: "counts",
  version: 1,
  commitEvery: "20 ms",
  flow: (from) =>
    void from(payments)
      .aggregate("n", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
      .to(totals),
});

describe("while the schema registry is away", () => {
  let server: RegistryServer;
  let producers: SchemaRegistry;
  let harness: Awaited<ReturnType<typeof openHarness>>;
  beforeEach(async () => {
    server = new RegistryServer();
    producers = await openConfluentRegistry({ url: await server.start() });
    harness = await openHarness(memoryDisk(), undefined, producers);
    await harness.createTopic(payments.name, 2);
  });
  afterEach(() => server.stop());

  /** A worker with a registry client of its own, which knows no more than it has asked for. */
  async function start(): Promise<JobsRun> {
    const registry = await openConfluentRegistry({ url: server.url, requestTimeoutMs: 2_000 });
    const run = await harness.start([job], { registry });
    run.finished.catch(() => undefined);
    onTestFinished(() => run.stop().catch(() => undefined));
    return run;
  }

  async function write(partition: number, schema: Schema<unknown>, ...customers: readonly string[]) {
    const serde = await createValueSerde({ schema, topic: payments.name, registry: producers });
    const records = customers.map((customer, n) => ({
      key: Buffer.from(customer),
      value: serde.encode({ ...payment(`${customer}-${n}`, customer, 1_000), extra1: 7, extra2: 7 }),
      timestampMs: 1_000,
    }));
    await harness.log.produce([{ topic: payments.name, partition, records }]);
  }

  /** How often each customer has been counted. */
  async function counted(): Promise<Record<string, number>> {
    const found = await harness.read(totals);
    return Object.fromEntries(found.map(({ key, value }) => [key as string, value.count]));
  }

  async function goAway(how: Answering | "refused") {
    if (how === "refused") await server.stop();
    else server.answering = how;
  }

  async function comeBack() {
    server.answering = "well";
    await server.stop();
    await server.start();
  }

  const told = (kind: string) => harness.events.filter((event: JobEvent) => event.kind === kind);
  const lettersOf = async () =>
    (await harness.readRaw("counts.dlq")).map(({ headers }) => String(headers?.["mulgil.dlq.code"]));

  it.each(Object.entries(AWAY))("it %s: one partition waits in order, the other goes on", async (_, how) => {
    await write(0, payments.value, "ann");
    await write(1, payments.value, "bob");
    const run = await start();
    await expect.poll(counted, soon).toEqual({ ann: 1, bob: 1 });

    await createValueSerde({ schema: version(1), topic: payments.name, registry: producers });
    await goAway(how);
    await write(0, payments.value, "ann");
    await write(0, version(1), "ann", "eve");
    await write(0, payments.value, "joe");
    await write(1, payments.value, "bob");
    await expect.poll(counted, soon).toEqual({ ann: 2, bob: 2 });
    await expect.poll(() => told("schemaAwaited"), soon).toHaveLength(1);
    await write(1, payments.value, "bob", "sue");
    await expect.poll(counted, soon).toEqual({ ann: 2, bob: 3, sue: 1 });
    expect(run.members()[0]!.tasks.map(({ work }) => work?.kind)).toEqual(["schema", undefined]);

    await comeBack();
    await expect.poll(counted, soon).toEqual({ ann: 3, bob: 3, sue: 1, eve: 1, joe: 1 });
    expect(await lettersOf()).toEqual([]);
    expect([told("schemaAwaited").length, told("schemaFound").length, told("restarting").length]).toEqual([1, 1, 0]);
    await run.stop();
  });

  it("a job that waits is stopped in time, and goes on from there at its next start", async () => {
    await write(0, payments.value, "ann");
    const run = await start();
    await expect.poll(counted, soon).toEqual({ ann: 1 });
    await createValueSerde({ schema: version(1), topic: payments.name, registry: producers });
    await server.stop();
    await write(0, version(1), "ann", "eve");
    await expect.poll(() => told("schemaAwaited"), soon).toHaveLength(1);
    await run.stop();
    await server.start();
    await start();
    await expect.poll(counted, soon).toEqual({ ann: 2, eve: 1 });
    expect(await lettersOf()).toEqual([]);
  });

  it("workers come and go, and nothing is lost or counted twice", async () => {
    await write(0, payments.value, "ann");
    const first = await start();
    await expect.poll(counted, soon).toEqual({ ann: 1 });
    await createValueSerde({ schema: version(1), topic: payments.name, registry: producers });
    server.answering = { status: 503 };
    await write(0, version(1), "ann", "eve");
    await expect.poll(() => told("schemaAwaited"), soon).toHaveLength(1);
    await write(1, payments.value, "bob");
    await expect.poll(counted, soon).toEqual({ ann: 1, bob: 1 });
    await comeBack();
    const second = await start();
    await expect.poll(() => second.members()[0]!.tasks.length, soon).toBe(1);
    await expect.poll(counted, soon).toEqual({ ann: 2, bob: 1, eve: 1 });
    expect(await lettersOf()).toEqual([]);
    await first.stop();
  });

  it("until-idle waits for what waits", async () => {
    await write(0, payments.value, "ann");
    const run = await start();
    await run.untilIdle();
    expect(await counted()).toEqual({ ann: 1 });
    await createValueSerde({ schema: version(1), topic: payments.name, registry: producers });
    await server.stop();
    await write(0, version(1), "ann");
    let isIdle = false;
    const idle = run.untilIdle().then(() => {
      isIdle = true;
    });
    await expect.poll(() => told("schemaAwaited"), soon).toHaveLength(1);
    await write(1, payments.value, "bob");
    await expect.poll(counted, soon).toEqual({ ann: 1, bob: 1 });
    expect(isIdle).toBe(false);
    await server.start();
    await idle;
    expect(await counted()).toEqual({ ann: 2, bob: 1 });
  });

  it.each([
    ["refuses connections", "refused", "REGISTRY_UNREACHABLE", /is the schema registry running at http:/],
    ["never answers", "never", "REGISTRY_UNREACHABLE", /it took too long; is the schema registry running at http:/],
    [
      "refuses the user",
      { status: 401 },
      "REGISTRY_NOT_AUTHORIZED",
      /check user and password of the schema registry http:/,
    ],
  ] as const)("no job starts if it %s, and says why", async (_, how, code, message) => {
    await goAway(how);
    await expect(start()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("a schema that the registry has not, or that cannot be read", () => {
  it.each([
    ["SCHEMA_UNKNOWN_ID", { status: 404, body: '{"error_code":40403,"message":"Schema not found"}' }],
    ["SCHEMA_TYPE", { status: 200, body: '{"schemaType":"PROTOBUF","schema":"message X {}"}' }],
    ["SCHEMA_INVALID", { status: 200, body: '{"schema":"{"}' }],
  ] as const)("is bad data, whose records become dead letters: %s", async (code, answering) => {
    const server = new RegistryServer();
    const producers = await openConfluentRegistry({ url: await server.start() });
    onTestFinished(() => server.stop());
    const harness = await openHarness(memoryDisk(), undefined, producers);
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 1_000)]);
    const run = await harness.start([job], { registry: await openConfluentRegistry({ url: server.url }) });
    onTestFinished(() => run.stop());
    await expect.poll(() => harness.read(totals), soon).toHaveLength(1);
    const serde = await createValueSerde({ schema: version(1), topic: payments.name, registry: producers });
    server.answering = answering;
    const value = serde.encode({ ...payment("2", "ann", 1_000), extra1: 7 });
    await harness.produceRaw(payments.name, { key: Buffer.from("ann"), value, timestampMs: 1_000 });
    await harness.produce(payments, [payment("3", "ann", 1_000)]);
    await expect.poll(async () => (await harness.read(totals)).at(-1)?.value.count, soon).toBe(2);
    const letters = await harness.readRaw("counts.dlq");
    expect(letters.map(({ headers }) => String(headers?.["mulgil.dlq.code"]))).toEqual([code]);
    expect(letters[0]!.value).toEqual(value);
  });
});
