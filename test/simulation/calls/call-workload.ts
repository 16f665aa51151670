import { SeededRandom } from "mulgil/testing";
import { partitionOf } from "../../../runtime/log/partitioner.ts";
import type { Log, ProducerRecord } from "../../../runtime/log/port.ts";
import type { SimulatedCluster } from "../../../runtime/testing/simulation/simulated-cluster.ts";
import type { Workload } from "../../../runtime/testing/simulation/workload.ts";
import { TopicCodec } from "../../../runtime/testing/topic-codec.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import { readTopic } from "../read-topic.ts";
import { checkEndings } from "./call-invariants.ts";
import {
  type CallJobOptions,
  callJob,
  closed,
  ended,
  failed,
  type Institutions,
  isRefused,
  REQUEST_PARTITIONS,
  type Request,
  refusedForGood,
  requests,
  succeeded,
} from "./call-job.ts";

const REQUESTS = 70;
/** One institution answers nothing for so long. */
const OUTAGE_MS = 3_000;
const SLOWEST_MS = 400;

/** One order of calls and one delivery a seed. */
export function callWorkload(seed: number): Workload<Request> {
  const sent = generateRequests(seed);
  const world = new World(seed);
  const variant: Omit<CallJobOptions, "institutions"> = {
    delivery: seed % 5 === 4 ? "at-least-once" : "exactly-once",
    order: seed % 2 === 0 ? "strict" : "lastSuccessWins",
    // Every other pair has hardly any memory.
    admittedMax: seed % 4 < 2 ? 1_000 : 4,
  };
  const isExact = variant.delivery === "exactly-once";
  // A worker that stands still goes on calling for what others have ended meanwhile.
  const mayPause = isExact && seed % 3 === 0;
  return {
    job: callJob({ ...variant, institutions: world }),
    opened: (cluster) => world.open(cluster),
    createSources: createSource,
    sent,
    sentLast: [],
    produce: produceRequests,
    mayPause,
    mayDamage: isExact,
    settleMs: 0,
    async checkMeanwhile(cluster) {
      if (!isExact || mayPause) return;
      for (const { value } of await readTopic(cluster, ended)) world.noteEnded(value.id);
    },
    checkResults: async (cluster) =>
      checkEndings({ sent, ...variant, endings: (await readTopic(cluster, ended)).map(({ value }) => value) }),
  };
}

/** What institutions answer follows from the seed, the request and how often it was called for, and from the time where one is down. */
class World implements Institutions {
  readonly #seed: number;
  readonly #ended = new Set<number>();
  readonly #calls = new Map<number, number>();
  #cluster: SimulatedCluster | undefined;
  #upAtMs = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  open(cluster: SimulatedCluster): void {
    this.#cluster = cluster;
    this.#upAtMs = cluster.clock.now() + OUTAGE_MS;
  }

  noteEnded(id: number): void {
    this.#ended.add(id);
  }

  async answer(
    request: Request,
    { signal }: Parameters<Institutions["answer"]>[1],
  ): ReturnType<Institutions["answer"]> {
    if (this.#ended.has(request.id))
      this.#cluster!.violation ??= new Error(`request ${request.id} is called for, and its end is committed`);
    const { clock } = this.#cluster!;
    const calls = (this.#calls.get(request.id) ?? 0) + 1;
    this.#calls.set(request.id, calls);
    const random = new SeededRandom(this.#seed * 1_000_003 + request.id * 101 + calls);
    // Generators that begin alike go on alike at first.
    random.next();
    await clock.sleep(random.below(random.chance(0.1) ? SLOWEST_MS : 30), signal);
    if (request.bank === "b1" && clock.now() < this.#upAtMs) return failed();
    if (calls < 4 && random.chance(0.3)) return random.chance(0.3) ? closed() : failed();
    if (random.chance(0.05)) throw new Error("an answer that nobody understands");
    return isRefused(request) ? refusedForGood() : succeeded(request);
  }
}

/** A few keys, each at more than one institution; and somebody to be forgotten, who may come back. */
function generateRequests(seed: number): readonly Request[] {
  const random = new SeededRandom(seed ^ 0xca11);
  return Array.from({ length: REQUESTS }, (_, id) => ({
    id,
    key: `k${random.below(6)}`,
    bank: `b${random.below(4)}`,
    kind: random.chance(0.03) ? "forget" : "request",
  }));
}

async function createSource(log: Log): Promise<void> {
  await log.ensureTopics([
    {
      topic: requests.name,
      partitions: REQUEST_PARTITIONS,
      config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 },
    },
  ]);
}

async function produceRequests(log: Log, registry: SchemaRegistry, some: readonly Request[]): Promise<void> {
  const codec = await TopicCodec.open(requests, registry);
  const partitions = new Map<number, ProducerRecord[]>();
  for (const request of some) {
    const encoded = codec.encode(request, { timestampMs: 0 });
    const partition = partitionOf(encoded.key!, REQUEST_PARTITIONS);
    partitions.set(partition, [...(partitions.get(partition) ?? []), encoded]);
  }
  await log.produce([...partitions].map(([partition, records]) => ({ topic: requests.name, partition, records })));
}
