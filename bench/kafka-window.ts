import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchRow } from "./bench-row.ts";
import type { OutputLoad } from "./kafka/bound.ts";
import type { Cost } from "./kafka/stopwatch.ts";
import {
  checkTotals,
  outputsOf,
  RECORDS,
  runBound,
  runWindow,
  WARM_UP_RECORDS,
  type WindowInput,
  writeInput,
} from "./kafka/window-case.ts";
import { type BenchBroker, withBroker } from "./kafka/with-broker.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 3;
/** Of kafka.bound.own, which are there to look at and not to compare with. */
const OWN_RUNS = 2;
const DELIVERIES = [
  { short: "alo", delivery: "at-least-once" },
  { short: "eos", delivery: "exactly-once" },
] as const;

/** What was measured, by name of the row: records a second. */
type Rates = Map<string, number[]>;

/**
 * [kafka.window] Records a second that one worker process brings through a job end to end: Kafka → decode Avro (17 leaves, 170 bytes, to 4
 * fields) → filter → tumbling count and sum → state and changelog → Kafka, 8 partitions, a commit each second, at least once and exactly once;
 * keys Zipf(0.99) over 100,000 and uniform over 1,000,000. The input is in the topic before. Each run is a new process with an empty
 * state that reads a million records; the time is taken from the record behind the first 200,000 to the end of the last commit.
 *
 * [kafka.bound] In turn with them, each in a process of its own: consuming the same topic with kafkajs's eachBatch; and consuming it while
 * producing as many records of the same size as the at-least-once run wrote as outputs and changelog together. The same with the log's own
 * client (kafka.bound.own), which shows what the engine costs and what the client does.
 */
export function run(): Promise<readonly BenchRow[]> {
  return withBroker("kafka.window", async (broker) => {
    const rates: Rates = new Map();
    const zipf = await writeInput(broker, { choice: "zipf", keys: 100_000 });
    const uniform = await writeInput(broker, { choice: "uniform", keys: 1_000_000 });
    const outputs = new Map<WindowInput, readonly OutputLoad[]>();
    for (let n = 0; n < RUNS; n++) {
      for (const input of [zipf, uniform]) await measureRound(broker, input, n, { rates, outputs });
    }
    return rowsOf(rates);
  });
}

async function measureRound(
  broker: BenchBroker,
  input: WindowInput,
  n: number,
  { rates, outputs }: { readonly rates: Rates; readonly outputs: Map<WindowInput, readonly OutputLoad[]> },
): Promise<void> {
  const add = (name: string, { seconds, cpuSeconds }: Cost) => {
    const records = RECORDS - WARM_UP_RECORDS;
    const rate = records / seconds;
    rates.set(name, [...(rates.get(name) ?? []), rate]);
    const cpu = ((cpuSeconds / records) * 1e6).toFixed(2);
    process.stderr.write(
      `  ${name}: ${Math.round(rate).toLocaleString("en")} records/s, ${cpu} µs of processor each\n`,
    );
  };
  for (const { short, delivery } of DELIVERIES) {
    const { cost, topics } = await runWindow(broker, input, delivery, n);
    add(`kafka.window.${input.choice}.${short}`, cost);
    if (n === 0) await checkTotals(broker, input, topics.output);
    if (!outputs.has(input)) outputs.set(input, await outputsOf(broker, input, topics));
    for (const topic of Object.values(topics)) await broker.log.deleteTopic(topic);
    await rm(join(broker.folder, `window-${input.choice}-${delivery}-${n}`), { recursive: true });
  }
  for (const [client, prefix] of [
    ["kafkajs", "kafka.bound"],
    ["own", "kafka.bound.own"],
  ] as const) {
    if (client === "own" && n >= OWN_RUNS) continue;
    if (input.choice === "zipf") add(`${prefix}.consume`, await runBound(broker, input, { client, outputs: [] }, n));
    add(produceRow(prefix, input.choice), await runBound(broker, input, { client, outputs: outputs.get(input)! }, n));
  }
}

const produceRow = (prefix: string, choice: string): string =>
  choice === "zipf" ? `${prefix}.produce` : `${prefix}.produce.${choice}`;

function rowsOf(rates: Rates): readonly BenchRow[] {
  return [...rates].map(([name, values]) => {
    const { median, spread } = describeRuns(values);
    const boundName = boundOf(name);
    const own = { name, value: Math.round(median), unit: "records/s", spread };
    if (boundName === undefined) return { ...own, bound: "itself", ratio: null };
    const bound = describeRuns(rates.get(boundName)!);
    const figure = `${Math.round(bound.median).toLocaleString("en")} records/s (${bound.spread})`;
    return { ...own, bound: `${boundName}: ${figure}`, ratio: median / bound.median };
  });
}

/** A row of the log's own client stands beside that of kafkajs, a window beside consuming and producing. */
function boundOf(name: string): string | undefined {
  if (name.startsWith("kafka.bound.own.")) return name.replace(".own.", ".");
  return name.startsWith("kafka.window.") ? produceRow("kafka.bound", name.split(".")[2]!) : undefined;
}
