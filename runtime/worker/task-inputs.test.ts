import { MemoryLevel } from "memory-level";
import { expect, it } from "vitest";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import { defineJob } from "../dsl/define-job.ts";
import { payments } from "../dsl/payments.fixture.ts";
import { compile } from "../plan/compile.ts";
import { replayTopicOf } from "../plan/internal-topics.ts";
import { replayHeaders } from "../resilience/replay-headers.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { prepareJob } from "./job-runtime.ts";
import { TaskInputs } from "./task-inputs.ts";

const REPLAYS = replayTopicOf("job", payments.name);

/** The inputs of a task that reads payments, new ones and those that it processes once more; values are not looked into. */
async function openInputs() {
  const job = defineJob({
    name: "job",
    version: 1,
    flow: (from) => void from(payments).to({ ...payments, name: "copies" }),
  });
  const plan = compile(job);
  const registry = await openEmbeddedRegistry(new MemoryLevel());
  const runtime = await prepareJob({ job, plan, partitionCounts: new Map([["copies", 1]]), registry });
  const [subTopology] = plan.subTopologies;
  const node = job.topology.nodes.find(({ kind }) => kind === "source")!;
  const decoder = { key: null, value: { decode: () => 0, missingId: () => undefined, load: async () => undefined } };
  const position = (topic: string) => ({ topic, partition: 0, offset: 0, incarnation: "x", isCommitted: true });
  return new TaskInputs({
    ...{ id: "task", clock: new ManualClock(), subTopology: subTopology!, partition: 0 },
    runtime: {
      ...runtime,
      decoders: new Map([[node.id, { ...decoder, eventTime: (_value, { timestampMs }) => timestampMs }]]),
    },
    positions: [payments.name, REPLAYS].map(position),
    receivers: new Map([[node.id, () => undefined]]),
    undecodable: () => expect.fail("nothing is decoded here"),
  });
}

const record = (offset: number, timestampMs: number, headers?: Readonly<Record<string, Buffer>>) => ({
  ...{ offset, timestampMs, headers, key: null, value: null },
});
const batch = (topic: string, ...records: readonly ReturnType<typeof record>[]) => ({
  ...{ topic, partition: 0, records, nextOffset: records.length, endOffset: records.length },
});

it("processes once more what is old when nothing new is there, as if it lay where it was first", async () => {
  const inputs = await openInputs();
  const from = { topic: payments.name, partition: 0, offset: 500 };
  await inputs.accept(batch(REPLAYS, record(0, 1, replayHeaders({ id: "x", from, hasEffects: false }))));
  await inputs.accept(batch(payments.name, record(0, 1_000), record(1, 2_000)));
  const order: unknown[] = [];
  for (let input = inputs.pick(); input !== undefined; input = inputs.pick()) {
    const { topic, isReplay, queue } = input;
    order.push({ topic, isReplay, offset: queue.raw!.offset });
    queue.dropHead();
  }
  expect(order).toEqual([
    { topic: payments.name, isReplay: false, offset: 0 },
    { topic: payments.name, isReplay: false, offset: 1 },
    { topic: payments.name, isReplay: true, offset: 500 },
  ]);
});

it("commits how far it is in both, and has only what is its own removed", async () => {
  const inputs = await openInputs();
  await inputs.accept(batch(REPLAYS, record(0, 1)));
  expect(inputs.pick()?.isReplay).toBe(true);
  inputs.pick()!.queue.dropHead();
  const offsets = inputs.offsets(7);
  expect(offsets.map(({ topic, offset }) => [topic, offset])).toEqual([
    [payments.name, 0],
    [REPLAYS, 1],
  ]);
  inputs.markCommitted(offsets);
  expect(inputs.purgeable).toEqual([{ topic: REPLAYS, partition: 0, offset: 1 }]);
});
