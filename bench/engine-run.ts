import type { Node } from "../runtime/dsl/topology.ts";
import { buildOperators } from "../runtime/operators/build-operators.ts";
import { openPlannedStore } from "../runtime/operators/open-store.ts";
import type { OperatorEnvironment } from "../runtime/operators/operator.ts";
import { storesOfNode } from "../runtime/plan/stores.ts";
import { keySerde } from "../schemas/key-serde.ts";
import type { KeyCodec } from "../state/codec.ts";
import type { Database } from "../state/disk.ts";
import { type Events, job } from "./engine-fixtures.ts";

export const COMMIT_RECORDS = 10_000;

export interface RunResult {
  readonly seconds: number;
  /** What was sent downstream, so that nothing is optimised away, and both ways of doing it can be compared. */
  readonly results: number;
  readonly total: number;
  readonly changelogBytes: number;
}

/** One pass of all events through the engine: decode, filter, window, and a commit after each 10,000 records. */
export async function runEngine({ values, decoder }: Events, database: Database): Promise<RunResult> {
  const keys = keySerde("string") as KeyCodec<unknown>;
  const node = job.nodes.find((each) => each.kind === "aggregate") as Node;
  const [planned] = storesOfNode(node);
  const store = await openPlannedStore({ planned: planned!, node, database, keyCodec: keys });
  let [results, total, changelogBytes] = [0, 0, 0];
  const environment: OperatorEnvironment = {
    record: {
      key: null,
      timestampMs: 0,
      window: undefined,
      topic: "payments",
      partition: 0,
      offset: 0,
      headers: {},
      isTimer: false,
    },
    wallClockMs: () => 0,
    store: () => store,
    keyCodec: () => keys,
    suspend: () => {
      throw new Error("nothing waits in this job");
    },
    log: () => undefined,
    recordError: (_step, error) => {
      throw error;
    },
    output: () => (_key, value) => {
      results++;
      total += (value as { total: number }).total;
    },
    call: () => {
      throw new Error("nobody is called here");
    },
    countLate: () => {
      throw new Error("nothing is late in this job");
    },
  };
  const { operators, inputs } = buildOperators({ topology: job, nodeIds: job.nodes.map(({ id }) => id), environment });
  const receive = inputs.get("payments")!;
  let written: Promise<void> = Promise.resolve();

  const started = performance.now();
  for (let from = 0; from < values.length; from += COMMIT_RECORDS) {
    const to = Math.min(values.length, from + COMMIT_RECORDS);
    for (let n = from; n < to; n++) {
      const payment = decoder.decode(values[n]!);
      receive(payment.customerId, payment, payment.occurredAt);
    }
    for (const operator of operators) operator.flush?.();
    await written;
    for (const change of store.seal()) changelogBytes += change.key.length + (change.value?.length ?? 0);
    written = store.applySealed({ nextOffset: to, incarnation: "bench", writtenAtMs: 0 });
  }
  await written;
  const seconds = (performance.now() - started) / 1_000;
  await store.close();
  return { seconds, results, total, changelogBytes };
}
