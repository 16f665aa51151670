import type { TopicDefinition } from "mulgil";
import { SeededRandom } from "mulgil/testing";
import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { Log, ProducerRecord } from "../../runtime/log/port.ts";
import type { Workload } from "../../runtime/testing/simulation/workload.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { checkCopies } from "./check-copies.ts";
import { checkResults } from "./invariants-b.ts";
import { copies, events, FIRE_AFTER_MS, jobs, PARTITIONS, profiles, type Sent } from "./job-b.ts";
import { POISON } from "./read-topic.ts";

const ITEMS = 70;
const START_MS = Date.UTC(2025, 11, 31, 12);
export function workloadB(seed: number): Workload<Sent> {
  const delivery = seed % 4 === 1 ? "exactly-once" : "at-least-once";
  const isOnce = delivery === "exactly-once";
  const { sent, sentLast } = generate(seed);
  return {
    job: jobs[delivery],
    createSources,
    sent,
    sentLast,
    produce,
    mayPause: isOnce,
    mayDamage: true,
    settleMs: 2 * FIRE_AFTER_MS + 1_000,
    checkMeanwhile: (cluster) =>
      checkCopies({ cluster, source: events, copies, partitions: PARTITIONS, mayRepeat: !isOnce }),
    checkResults: (cluster) => checkResults(cluster, [...sent, ...sentLast], isOnce),
  };
}

function generate(seed: number): { readonly sent: readonly Sent[]; readonly sentLast: readonly Sent[] } {
  const random = new SeededRandom(seed ^ 0xb0b);
  const keys = ["k0", "k1", "k2", "k3", "k4"];
  const eventOf = (id: number, key: string, at: number): Sent => ({
    kind: "event",
    event: { id, key, group: `g${random.below(3)}`, amount: 1 + random.below(40), at },
  });
  const sent = Array.from({ length: ITEMS }, (_, id): Sent => {
    const key = random.pick(keys);
    const at = START_MS + id * 2_500;
    const kind = random.next();
    if (kind < 0.05) return { kind: "poison", key, number: id, at };
    if (kind < 0.2) return { kind: "profile", key, value: random.chance(0.2) ? null : { version: id }, at };
    return eventOf(id, key, at - random.below(20_000));
  });
  const lastMs = START_MS + ITEMS * 2_500;
  return { sent, sentLast: keys.map((key, index) => eventOf(ITEMS + index, key, lastMs + index)) };
}

async function createSources(log: Log): Promise<void> {
  const config = { retentionMs: -1, deleteRetentionMs: 86_400_000 };
  await log.ensureTopics([
    { topic: events.name, partitions: PARTITIONS, config: { ...config, cleanupPolicy: "delete" } },
    { topic: profiles.name, partitions: PARTITIONS, config: { ...config, cleanupPolicy: "compact" } },
  ]);
}

async function produce(log: Log, registry: SchemaRegistry, some: readonly Sent[]): Promise<void> {
  const eventCodec = await TopicCodec.open(events, registry);
  const profileCodec = await TopicCodec.open(profiles, registry);
  const encode = (item: Sent): readonly [TopicDefinition, ProducerRecord] => {
    switch (item.kind) {
      case "event":
        return [events, eventCodec.encode(item.event, { timestampMs: item.event.at })];
      case "profile":
        return [profiles, profileCodec.encode(item.value, { key: item.key, timestampMs: item.at })];
      case "poison":
        return [
          events,
          { key: Buffer.from(item.key), value: Buffer.from(`${POISON} ${item.number}`), timestampMs: item.at },
        ];
    }
  };
  for (const item of some) {
    const [{ name }, encoded] = encode(item);
    await log.produce([{ topic: name, partition: partitionOf(encoded.key!, PARTITIONS), records: [encoded] }]);
  }
}
