import { MemoryLevel } from "memory-level";
import { expect, it } from "vitest";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { createEncoder } from "../../schemas/value-serde.ts";
import { defineJob } from "../dsl/define-job.ts";
import { done, retry } from "../dsl/outcome.ts";
import { payments } from "../dsl/payments.fixture.ts";
import { compile } from "../plan/compile.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { CallTask, callingJob, type Request, requestSchema, requests, results } from "./call-task.fixture.ts";
import { prepareJob } from "./job-runtime.ts";
import { TaskInputs } from "./task-inputs.ts";

const others = { ...payments, name: "shop.others" } as const;

/** The registry of the test, which gives one schema only when it is told to. */
function gated(registry: SchemaRegistry, gatedId: number) {
  const gate = Promise.withResolvers<void>();
  const gatedRegistry: SchemaRegistry = {
    register: (subject, avro) => registry.register(subject, avro),
    latest: (subject) => registry.latest(subject),
    versions: (subject) => registry.versions(subject),
    subjects: () => registry.subjects(),
    compatibilityOf: (subject) => registry.compatibilityOf(subject),
    async schemaById(id) {
      if (id === gatedId) await gate.promise;
      return await registry.schemaById(id);
    },
  };
  return { registry: gatedRegistry, open: gate.resolve };
}

/** The inputs of a task that merges two sources, whose records with the value "new" have a schema that is not here yet. */
async function openInputs() {
  const job = defineJob({
    name: "job",
    version: 1,
    flow: (from) =>
      void from(payments)
        .merge(from(others))
        .to({ ...payments, name: "copies" }),
  });
  const plan = compile(job);
  const registry = await openEmbeddedRegistry(new MemoryLevel());
  const runtime = await prepareJob({ job, plan, partitionCounts: new Map([["copies", 1]]), registry });
  const here = Promise.withResolvers<void>();
  let isHere = false;
  const value = {
    decode: (bytes: Buffer) => bytes.toString(),
    missingId: (bytes: Buffer) => (bytes.toString() === "new" && !isHere ? 7 : undefined),
    load: () => here.promise,
  };
  const decoder = { key: null, value, eventTime: (_: unknown, raw: { timestampMs: number }) => raw.timestampMs };
  const sources = job.topology.nodes.filter(({ kind }) => kind === "source");
  const position = (topic: string) => ({ topic, partition: 0, offset: 0, incarnation: "x", isCommitted: true });
  const clock = new ManualClock();
  const inputs = new TaskInputs({
    ...{ id: "task", clock, subTopology: plan.subTopologies[0]!, partition: 0 },
    runtime: { ...runtime, decoders: new Map(sources.map(({ id }) => [id, decoder])) },
    positions: [payments.name, others.name].map(position),
    receivers: new Map(sources.map(({ id }) => [id, () => undefined])),
    undecodable: () => expect.fail("everything can be decoded"),
  });
  const open = () => {
    isHere = true;
    here.resolve();
  };
  return { inputs, open, clock };
}

const batch = (topic: string, ...records: readonly (readonly [value: string, timestampMs: number])[]) => ({
  ...{ topic, partition: 0, nextOffset: records.length, endOffset: records.length },
  records: records.map(([value, timestampMs], offset) => ({
    ...{ offset, timestampMs, key: null, value: Buffer.from(value), headers: undefined },
  })),
});

it("holds a task with several inputs where one waits for a schema: what comes after it could make it late", async () => {
  const { inputs, open, clock } = await openInputs();
  const taken: string[] = [];
  const take = () => {
    for (let input = inputs.pick(); input !== undefined; input = inputs.pick()) {
      taken.push(input.queue.value as string);
      input.queue.dropHead();
    }
  };
  const accepted = inputs.accept(batch(payments.name, ["a", 1], ["new", 2], ["b", 5]));
  await inputs.accept(batch(others.name, ["c", 1], ["d", 4], ["e", 9]));
  take();
  clock.advance(60_000);
  take();
  clock.advance(60_000);
  take();
  expect(taken).toEqual(["a"]);
  expect(inputs.awaited).toMatchObject({ id: 7, topic: payments.name, partition: 0, raw: { offset: 1 } });
  expect(inputs.offsets(1).map(({ offset }) => offset)).toEqual([1, 0]);
  open();
  await accepted;
  take();
  expect(taken).toEqual(["a", "c", "new", "d", "b", "e"]);
  expect([inputs.awaited, inputs.missesSchema]).toEqual([undefined, false]);
});

it("keeps a held record of a call where it is while its schema is awaited, also over a restart", async () => {
  const registry = await openEmbeddedRegistry(new MemoryLevel());
  const calls: string[] = [];
  let isDown = true;
  const job = callingJob({
    tiers: ["10 seconds"],
    orderKey: ({ customer }: Request) => customer,
    handler: async (value) => {
      if (isDown) return retry("down");
      calls.push(value.id);
      return done(value);
    },
  });
  const task = await CallTask.open(job, { registry });
  const { fields, ...rest } = requestSchema.avro as { readonly fields: readonly object[] };
  const extended = { ...rest, fields: [...fields, { name: "extra", type: "int", default: 0 }] } as never;
  const id = await registry.register("test.requests-value", extended);
  await task.send("a1");
  const value = createEncoder(extended, id)({ id: "a2", customer: "a", bank: "one", extra: 1 } as never);
  task.append(requests.name, { ...task.encoded("a2"), value });
  await task.settle();
  await task.commit();

  const { registry: slow, open } = gated(registry, id);
  await task.restartKnowing(slow);
  isDown = false;
  await task.advance(10_000);
  expect(calls).toEqual(["a1"]);
  expect(task.task.report.work).toMatchObject({ kind: "schema", schema: { id }, record: { topic: requests.name } });
  expect(task.task.isBusy).toBe(true);
  await task.commit();
  expect(task.task.isBusy).toBe(true);

  await task.restartKnowing(gated(registry, id).registry);
  await task.settle();
  expect(calls).toEqual(["a1"]);
  await task.restartKnowing(slow);
  open();
  await task.settle();
  await task.commit();
  expect(calls).toEqual(["a1", "a2"]);
  expect(await task.read(results.name)).toEqual(["a1", "a2"]);
  expect(task.task.isBusy).toBe(false);
});
