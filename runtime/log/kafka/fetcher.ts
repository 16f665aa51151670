import type { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { Clock } from "../../time/clock.ts";
import { offsetOutOfRange, topicReplaced } from "../embedded/refusals.ts";
import type { LogTroubles } from "../log-troubles.ts";
import type { FetchedBatch, Isolation, PartitionOffset, TopicPartition } from "../port.ts";
import { asMulgilError, BrokerError, code, kindOf, kindOfCode } from "./broker-errors.ts";
import { type Connections, requireVersion } from "./connections.ts";
import type { Directory } from "./directory.ts";
import { keyOf } from "./grouping.ts";
import { FETCH, type FetchAnswer, fetchRequest, type PartitionAnswer } from "./protocol/fetch.ts";
import { decodeRecords } from "./protocol/record-batch-decoder.ts";

export interface FetcherOptions {
  /** Its own: a fetch waits at the broker, and holds up what comes after it on the same connection. */
  readonly connections: Connections;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly isolation: Isolation;
  /** The start and end of a partition, for errors. */
  readonly boundsOf: (where: TopicPartition) => Promise<{ readonly start: number; readonly end: number }>;
  /** Called when there may be something to take. */
  readonly onReady: () => void;
  /** How long a broker waits for records. A partition that is added or resumed waits as long for the fetch under way. @default 200 */
  readonly waitMaxMs?: number;
  /** Of one partition in one fetch; no more is fetched of a partition while twice as much is queued. @default 1 MiB */
  readonly partitionBytesMax?: number;
  /** Of one fetch. @default 16 MiB */
  readonly fetchBytesMax?: number;
  /** Fetched and not taken, of all partitions; above it nothing is fetched. @default 64 MiB */
  readonly queuedBytesMax?: number;
  /** Counts what does not work at once. */
  readonly troubles?: LogTroubles;
}

const FETCH_WAIT_MAX_MS = 200;
/** While a partition is left out because much of it is queued: it will be asked for again soon, and must not wait for the others. */
const FETCH_WAIT_FULL_MS = 10;
const PARTITION_BYTES_MAX = 1024 * 1024;
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
const QUEUED_BYTES_MAX = 64 * 1024 * 1024;
const PAUSE_AFTER_ERROR_MS = 100;

interface Queued {
  readonly batch: FetchedBatch;
  readonly bytes: number;
}

/** An assigned partition. Another position makes another object, so what is on its way for the old one finds nobody. */
interface Assigned extends TopicPartition {
  /** Undefined until it is positioned: nothing is fetched, nothing given. */
  readonly start: number | undefined;
  fetchFrom: number;
  isPaused: boolean;
  topicId: string | undefined;
  queue: Queued[];
  queuedBytes: number;
  failure: MulgilError | undefined;
}

/**
 * Fetches ahead for assigned partitions, one loop per broker, into a queue per partition; `take` hands out. A partition is left out while it is
 * paused, has much queued, or has failed, and all are while too much is queued. Positions are moved by nobody but the caller.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #assigned = new Map<string, Assigned>();
  readonly #loops = new Map<number, Promise<void>>();
  #starting: Promise<boolean> | undefined;
  #startsAgain = false;
  #queuedBytes = 0;
  #isClosed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  has(where: TopicPartition): boolean {
    return this.#assigned.has(keyOf(where));
  }

  /** Adds a partition, or moves it; what is queued or under way for the old position is dropped. */
  assign({ topic, partition }: TopicPartition, start: number | undefined): void {
    const key = keyOf({ topic, partition });
    const isPaused = this.#assigned.get(key)?.isPaused ?? false;
    this.unassign({ topic, partition });
    this.#assigned.set(key, {
      topic,
      partition,
      start,
      fetchFrom: start ?? 0,
      isPaused,
      topicId: undefined,
      queue: [],
      queuedBytes: 0,
      failure: undefined,
    });
    this.#start();
  }

  unassign(where: TopicPartition): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned === undefined) return;
    this.#queuedBytes -= assigned.queuedBytes;
    this.#assigned.delete(keyOf(where));
  }

  clear(): void {
    this.#assigned.clear();
    this.#queuedBytes = 0;
  }

  setPaused(where: TopicPartition, isPaused: boolean): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned === undefined) return;
    assigned.isPaused = isPaused;
    if (isPaused) return;
    if (assigned.queue.length > 0) this.#options.onReady();
    this.#start();
  }

  /** What has arrived, one fetch of a partition at a time. An error of one partition waits until there is nothing else. @throws {MulgilError} LOG_OFFSET_OUT_OF_RANGE, LOG_TOPIC_REPLACED and others */
  take(): readonly FetchedBatch[] {
    const batches: FetchedBatch[] = [];
    let failure: MulgilError | undefined;
    for (const assigned of this.#assigned.values()) {
      if (assigned.isPaused) continue;
      failure ??= assigned.failure;
      const next = assigned.queue.shift();
      if (next === undefined) continue;
      batches.push(next.batch);
      assigned.queuedBytes -= next.bytes;
      this.#queuedBytes -= next.bytes;
    }
    this.#start();
    if (batches.length === 0 && failure !== undefined) throw failure;
    return batches;
  }

  /** The connections are the caller's. */
  close(): void {
    this.#isClosed = true;
    this.clear();
  }

  /** Makes sure that a loop runs for every broker that leads something to fetch. */
  #start(): void {
    if (this.#isClosed) return;
    if (this.#starting !== undefined) {
      this.#startsAgain = true;
      return;
    }
    if (this.#wanted().length === 0) return;
    this.#startsAgain = false;
    this.#starting = this.#startLoops();
    void this.#starting.then((hasFailed) => {
      this.#starting = undefined;
      if (hasFailed || this.#startsAgain) this.#start();
    });
  }

  /** Whether it must be tried again. */
  async #startLoops(): Promise<boolean> {
    // Several partitions are assigned at once; they shall go out together.
    await Promise.resolve();
    const wanted = this.#wanted();
    try {
      for (const [leader] of await this.#byLeader(wanted)) {
        if (this.#loops.has(leader) || this.#isClosed) continue;
        const loop = this.#loop(leader).finally(() => {
          this.#loops.delete(leader);
          this.#start();
        });
        this.#loops.set(leader, loop);
      }
      return false;
    } catch (error) {
      await this.#afterError(wanted, error);
      return true;
    }
  }

  async #afterError(wanted: readonly Assigned[], error: unknown): Promise<void> {
    const { clock, directory, troubles } = this.#options;
    const kind = kindOf(error);
    troubles?.count(kind === "final" ? "failed" : "retried", kind);
    if (kind === "final") this.#failAll(wanted, asMulgilError(error, "fetch"));
    directory.forget(wanted.map(({ topic }) => topic));
    await clock.sleep(PAUSE_AFTER_ERROR_MS);
  }

  #wanted(): Assigned[] {
    if (this.#queuedBytes >= (this.#options.queuedBytesMax ?? QUEUED_BYTES_MAX)) return [];
    return this.#active().filter((assigned) => !this.#isFull(assigned));
  }

  #active(): Assigned[] {
    return [...this.#assigned.values()].filter(
      ({ start, isPaused, failure }) => start !== undefined && !isPaused && failure === undefined,
    );
  }

  #isFull({ queuedBytes }: Assigned): boolean {
    return queuedBytes >= 2 * (this.#options.partitionBytesMax ?? PARTITION_BYTES_MAX);
  }

  /** Leaders of what can be led; a partition of an unknown topic fails alone. */
  async #byLeader(wanted: readonly Assigned[]): Promise<ReadonlyMap<number, readonly Assigned[]>> {
    const { directory } = this.#options;
    const led: Assigned[] = [];
    for (const assigned of wanted) {
      try {
        const id = (await directory.require([assigned])).get(assigned.topic)!.id;
        assigned.topicId ??= id;
        if (assigned.topicId === id) led.push(assigned);
        else this.#fail(assigned, topicReplaced(assigned));
      } catch (error) {
        if (kindOf(error) !== "final") throw error;
        this.#fail(assigned, asMulgilError(error, "look up a topic"));
      }
    }
    return await directory.byLeader(led);
  }

  /** Ends when there is nothing to fetch from the broker, or after an error. */
  async #loop(leader: number): Promise<void> {
    while (!this.#isClosed) {
      const wanted = this.#wanted();
      try {
        const own = (await this.#byLeader(wanted)).get(leader) ?? [];
        if (own.length === 0) return;
        await this.#accept(await this.#fetch(leader, own), own);
      } catch (error) {
        if (!this.#isClosed) await this.#afterError(wanted, error);
        return;
      }
    }
  }

  async #fetch(leader: number, own: readonly Assigned[]): Promise<FetchAnswer> {
    const { connections, isolation, partitionBytesMax, fetchBytesMax, waitMaxMs } = this.#options;
    const bytesMax = partitionBytesMax ?? PARTITION_BYTES_MAX;
    const request = fetchRequest({
      partitions: own.map(({ topic, partition, topicId, fetchFrom }) => ({
        topic,
        partition,
        topicId: topicId!,
        offset: fetchFrom,
        bytesMax,
      })),
      isolation,
      waitMaxMs: this.#active().some((assigned) => this.#isFull(assigned))
        ? FETCH_WAIT_FULL_MS
        : (waitMaxMs ?? FETCH_WAIT_MAX_MS),
      bytesMax: fetchBytesMax ?? FETCH_BYTES_MAX,
    });
    return await connections.to(leader, async (_, link) => {
      await requireVersion(link, FETCH);
      return await link.send(request);
    });
  }

  /** @throws what passes, after everything that can be used has been taken */
  async #accept({ errorCode, partitions }: FetchAnswer, own: readonly Assigned[]): Promise<void> {
    if (errorCode !== 0) throw new BrokerError(errorCode, "fetch");
    let passing: unknown;
    // The broker fills its answer in the order of the question: who got something goes to the end of the next one.
    for (const answer of partitions) {
      const assigned = own.find(
        ({ topicId, partition }) => topicId === answer.topicId && partition === answer.partition,
      );
      if (assigned === undefined || !this.#isCurrent(assigned)) continue;
      try {
        await this.#acceptPartition(answer, assigned);
      } catch (error) {
        if (kindOf(error) === "final") this.#fail(assigned, asMulgilError(error, "fetch"));
        else passing ??= error;
      }
    }
    if (passing !== undefined) throw passing;
  }

  async #acceptPartition(answer: PartitionAnswer, assigned: Assigned): Promise<void> {
    const { topic, partition, fetchFrom } = assigned;
    if (answer.errorCode === code.offsetOutOfRange) {
      const { start, end } = await this.#options.boundsOf(assigned);
      throw offsetOutOfRange(assigned, fetchFrom, start, end);
    }
    if (answer.errorCode !== 0) {
      const error = new BrokerError(answer.errorCode, `topic "${topic}" partition ${partition}`);
      throw kindOfCode(answer.errorCode) === "final" ? asMulgilError(error, "fetch") : error;
    }
    if (answer.bytes.length === 0) return;
    // A record that is kept must not keep the whole answer.
    const bytes = Buffer.from(answer.bytes);
    const { records, nextOffset } = await decodeRecords(assigned, bytes, fetchFrom, answer.aborted);
    if (nextOffset === fetchFrom || !this.#isCurrent(assigned)) return;
    const endOffset = this.#options.isolation === "read_committed" ? answer.lastStableOffset : answer.highWatermark;
    assigned.fetchFrom = nextOffset;
    assigned.queue.push({ batch: { topic, partition, records, nextOffset, endOffset }, bytes: bytes.length });
    assigned.queuedBytes += bytes.length;
    this.#queuedBytes += bytes.length;
    // Fairness: the next fetch asks for the others first.
    this.#assigned.delete(keyOf(assigned));
    this.#assigned.set(keyOf(assigned), assigned);
    this.#options.onReady();
  }

  #isCurrent(assigned: Assigned): boolean {
    return this.#assigned.get(keyOf(assigned)) === assigned;
  }

  #fail(assigned: Assigned, failure: MulgilError): void {
    if (!this.#isCurrent(assigned)) return;
    assigned.failure = failure;
    this.#options.onReady();
  }

  #failAll(partitions: readonly Assigned[], failure: MulgilError): void {
    for (const assigned of partitions) this.#fail(assigned, failure);
  }
}

/** The positions of a list. */
export function assignAll(fetcher: Fetcher, positions: readonly PartitionOffset[]): void {
  for (const position of positions) fetcher.assign(position, position.offset);
}
