import { SeededRandom } from "mulgil/testing";
import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { Log, ProducerRecord } from "../../runtime/log/port.ts";
import type { Workload } from "../../runtime/testing/simulation/workload.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import { type SchemaRegistry, subjectOfValue } from "../../schemas/registry.ts";
import { checkCopies } from "./check-copies.ts";
import { checkResults } from "./invariants-a.ts";
import { copies, EVENT_PARTITIONS, events, type SimEvent, simEvent, simulatedJob } from "./job-a.ts";

const EVENTS = 60;

export function workloadA(seed: number): Workload<SimEvent> {
  const sent = generateEvents(seed);
  return {
    job: simulatedJob,
    createSources: createSource,
    sent,
    sentLast: [],
    produce: produceEvents,
    mayPause: true,
    mayDamage: false,
    settleMs: 0,
    checkMeanwhile: (cluster) =>
      checkCopies({ cluster, source: events, copies, partitions: EVENT_PARTITIONS, mayRepeat: false }),
    checkResults: (cluster) => checkResults(cluster, sent),
  };
}

/** Events of one seed: a few keys and groups, event times that wander, so that some arrive out of order. */
function generateEvents(seed: number): readonly SimEvent[] {
  const random = new SeededRandom(seed ^ 0x5eed);
  const startMs = Date.UTC(2025, 11, 31, 12);
  return Array.from({ length: EVENTS }, (_, id) => ({
    id,
    key: `k${random.below(6)}`,
    group: `g${random.below(4)}`,
    amount: 1 + random.below(100),
    at: startMs + id * 2_500 - random.below(20_000),
  }));
}

async function createSource(log: Log): Promise<void> {
  await log.ensureTopics([
    {
      topic: events.name,
      partitions: EVENT_PARTITIONS,
      config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 },
    },
  ]);
}

async function produceEvents(log: Log, registry: SchemaRegistry, some: readonly SimEvent[]): Promise<void> {
  await registry.register(subjectOfValue(events.name), simEvent.avro);
  const codec = await TopicCodec.open(events, registry);
  const partitions = new Map<number, ProducerRecord[]>();
  for (const event of some) {
    const encoded = codec.encode(event, { timestampMs: event.at });
    const partition = partitionOf(encoded.key!, EVENT_PARTITIONS);
    partitions.set(partition, [...(partitions.get(partition) ?? []), encoded]);
  }
  await log.produce([...partitions].map(([partition, records]) => ({ topic: events.name, partition, records })));
}
