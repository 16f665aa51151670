import { join } from "node:path";
import { makePayments } from "../engine-fixtures.ts";
import { BenchProcess, withProcess } from "./bench-process.ts";
import type { BoundMessage, BoundSettings, OutputLoad } from "./bound.ts";
import { benchRegistry, topicsOfJob } from "./payments-job.ts";
import { loadOf, sumOfTotals } from "./read-topic.ts";
import type { Cost } from "./stopwatch.ts";
import type { BenchBroker } from "./with-broker.ts";
import type { WorkerMessage, WorkerSettings } from "./worker-process.ts";
import { makeSource, paymentWriter } from "./write-payments.ts";

/** Every record is read; the time is taken behind the first of them, when connections, stores and compiled code are there. */
export const RECORDS = 1_000_000;
export const WARM_UP_RECORDS = 200_000;

export interface WindowInput {
  readonly choice: "zipf" | "uniform";
  readonly keys: number;
  readonly source: string;
  /** What the job must find. */
  readonly expected: { readonly payments: number; readonly total: number };
}

type Delivery = WorkerSettings["delivery"];

/** Writes a source before anything is measured. */
export async function writeInput(
  { log }: BenchBroker,
  { choice, keys }: Pick<WindowInput, "choice" | "keys">,
): Promise<WindowInput> {
  const source = `payments.${choice}`;
  let [payments, total] = [0, 0];
  await makeSource(log, source);
  const write = await paymentWriter(log, source);
  await write(
    makePayments({ records: RECORDS, keys, choice })
      [Symbol.iterator]()
      .map((payment) => {
        if (payment.status !== "APPROVED") return payment;
        payments++;
        total += payment.amount;
        return payment;
      }),
  );
  return { choice, keys, source, expected: { payments, total } };
}

/** One worker from an empty state to the end of the source. @returns what the records behind the warm-up took */
export async function runWindow(broker: BenchBroker, input: WindowInput, delivery: Delivery, run: number) {
  const name = `window-${input.choice}-${delivery}-${run}`;
  const settings: WorkerSettings = {
    ...{ name, delivery, source: input.source, bootstrap: broker.bootstrap },
    stateDir: join(broker.folder, name),
    measure: { warmUpRecords: WARM_UP_RECORDS, records: RECORDS },
  };
  const worker = new BenchProcess<WorkerMessage>("worker-process.ts", settings);
  const { cost } = await withProcess(worker, async () => {
    const measured = await worker.first("measured");
    await worker.ended();
    return measured;
  });
  return { cost, topics: topicsOfJob(settings) };
}

/** @throws {Error} if the last results of a run are not the sums of its input */
export async function checkTotals({ log }: BenchBroker, input: WindowInput, topic: string): Promise<void> {
  const { payments, total } = await sumOfTotals(log, topic, await benchRegistry(input.source));
  if (payments !== input.expected.payments || total !== input.expected.total)
    throw new Error(
      `the job found ${payments} payments of ${total} together, and not ${input.expected.payments} of ${input.expected.total}`,
    );
}

/** What a run has written, to be written by the bounds to topics of their own. */
export async function outputsOf(
  { log }: BenchBroker,
  input: WindowInput,
  { output, changelog }: { readonly output: string; readonly changelog: string },
): Promise<readonly OutputLoad[]> {
  const [outputLoad, changelogLoad] = [await loadOf(log, output), await loadOf(log, changelog)];
  const outputs = [
    { topic: `bound.${input.choice}.output`, load: outputLoad },
    { topic: `bound.${input.choice}.changelog`, load: changelogLoad },
  ];
  for (const { topic } of outputs) await makeSource(log, topic);
  return outputs;
}

/** @returns what the records behind the warm-up took */
export async function runBound(
  broker: BenchBroker,
  input: WindowInput,
  bound: Pick<BoundSettings, "client" | "outputs">,
  run: number,
): Promise<Cost> {
  const { bootstrap } = broker;
  const settings: BoundSettings = {
    ...{ ...bound, bootstrap, source: input.source, records: RECORDS, warmUpRecords: WARM_UP_RECORDS },
    groupId: `bound-${bound.client}-${input.choice}-${bound.outputs.length}-${run}`,
  };
  const child = new BenchProcess<BoundMessage>("bound-process.ts", settings);
  return await withProcess(child, async () => (await child.first("measured")).cost);
}
