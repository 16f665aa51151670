import { invariant, RecordError } from "../errors/errors.ts";
import type { CommittedOffset, FetchedBatch, FetchedRecord, PartitionOffset, TopicPartition } from "../log/port.ts";
import type { PlannedTier } from "../plan/plan.ts";
import type { CallFlow } from "../resilience/call-flow.ts";
import type { InputProgress } from "../resilience/input-progress.ts";
import { PARCEL_HEADER, type Parcel, unpackParcel, untravelled } from "../resilience/parcel.ts";
import { writeMetadata } from "./commit-metadata.ts";
import type { Backlog, Input, InputExtent, Inputs } from "./inputs.ts";
import type { InputMeasures } from "./measures.ts";
import { type AwaitedSchema, RecordQueue } from "./record-queue.ts";
import {
  extentOf,
  firstAwaited,
  measuresOf,
  originalOf,
  positionOf,
  purgeable,
  replayTopicRead,
  type TaskInputsOptions,
  topicOf,
} from "./task-inputs.ts";

export interface CallInputsOptions extends TaskInputsOptions {
  readonly tiers: readonly PlannedTier[];
  readonly flow: CallFlow;
}

/** The input of a call, one of its retry tiers, or what of the input is processed once more. */
export interface CallInput extends Input {
  readonly progress: InputProgress;
  /** How long its records wait; undefined for the input. */
  readonly delayMs: number | undefined;
  readonly incarnation: string;
}

/** Of the input so much is kept in memory, beside what is taken up; tiers are looked at one record at a time. */
const WAITING_RECORDS_MAX = 20_000;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const TIER_RECORDS_MAX = 500;
const TIER_BYTES_MAX = 1024 * 1024;

/**
 * The input and the retry tiers of a call. A tier's records come when they are due, and go first; what is processed once more goes last. Offsets are committed up to the oldest record that has
 * not ended.
 */
export class CallInputs implements Inputs {
  readonly #options: CallInputsOptions;
  /** In the order in which they are served. */
  readonly #inputs: readonly CallInput[];
  #committed: ReadonlyMap<string, number>;

  constructor(options: CallInputsOptions) {
    this.#options = options;
    const [entry, ...others] = options.receivers;
    invariant(entry !== undefined && others.length === 0, `the call of task ${options.id} has not one input`);
    const [node, receive] = entry;
    const topic = topicOf(options, node);
    const open = (name: string, delayMs: number | undefined, isReplay = false): CallInput => {
      const unwrap = delayMs !== undefined ? sourceRecordOf : isReplay ? originalOf : undefined;
      const { offset, incarnation = "", isCommitted } = positionOf(options, name);
      let queue: RecordQueue | undefined;
      const progress = options.flow.state.track({
        ...{ topic: name, incarnation, position: () => queue!.position },
        isContinued: isCommitted,
      });
      queue = new RecordQueue({
        topic: name,
        partition: options.partition,
        position: offset,
        endOffset: options.ends?.find((end) => end.topic === name)?.offset ?? offset,
        decoder: options.runtime.decoders.get(node)!,
        clock: options.clock,
        undecodable: (raw, error) => {
          if (delayMs === undefined) options.undecodable(node, { topic, partition: options.partition, raw }, error);
          else this.#passTierHead(input, node, error);
        },
        isDone: (candidate) => progress.hasEnded(candidate),
        ...(unwrap !== undefined && { unwrap }),
      });
      const input: CallInput = { topic, queue, receive, isReplay, progress, delayMs, incarnation };
      return input;
    };
    const replayTopic = replayTopicRead(options, topic);
    this.#inputs = [
      ...options.tiers.map((tier) => open(tier.topic, tier.delayMs)),
      open(topic, undefined),
      ...(replayTopic === undefined ? [] : [open(replayTopic, undefined, true)]),
    ];
    this.#committed = new Map(
      options.positions.filter(({ isCommitted }) => isCommitted).map((position) => [position.topic, position.offset]),
    );
  }

  close(): void {
    for (const { queue } of this.#inputs) queue.close();
  }

  get partitions(): readonly TopicPartition[] {
    return this.#inputs.map(({ queue }) => ({ topic: queue.topic, partition: queue.partition }));
  }

  get fetchPositions(): readonly PartitionOffset[] {
    return this.#inputs.map(({ queue: { topic, partition, fetchPosition } }) => ({
      topic,
      partition,
      offset: fetchPosition,
    }));
  }

  get waiting(): number {
    return this.#inputs.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  get notDue(): number {
    const nowMs = this.#options.clock.now();
    const waiting = this.#inputs.filter((input) => {
      const { fetched } = input.queue;
      return fetched !== undefined && this.#dueMs(input, fetched) > nowMs;
    });
    return waiting.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  get backlogs(): readonly Backlog[] {
    return this.#inputs.map(({ queue: { topic, partition, size, bytes }, delayMs }) => ({
      ...{ topic, partition, records: size, bytes },
      recordsMax: delayMs === undefined ? WAITING_RECORDS_MAX : TIER_RECORDS_MAX,
      bytesMax: delayMs === undefined ? WAITING_BYTES_MAX : TIER_BYTES_MAX,
    }));
  }

  get measures(): readonly InputMeasures[] {
    return this.#inputs.map((input) => measuresOf(input.queue, committable(input), input.delayMs));
  }

  get haveMoved(): boolean {
    return this.#inputs.some((input) => committable(input) !== this.#committed.get(input.queue.topic));
  }

  get purgeable(): readonly PartitionOffset[] {
    return purgeable(this.#options, this.#committed);
  }

  get extents(): readonly InputExtent[] {
    return this.#inputs.map((input) => extentOf(this.#options, input.queue, committable(input), this.#committed));
  }

  get missesSchema(): boolean {
    return this.#inputs.some(({ queue }) => queue.missesSchema);
  }

  get awaited(): AwaitedSchema | undefined {
    return firstAwaited(this.#inputs);
  }

  async accept(batch: FetchedBatch): Promise<void> {
    const input = this.#inputs.find(({ queue }) => queue.topic === batch.topic);
    invariant(input !== undefined, `task ${this.#options.id} got a batch of "${batch.topic}", which it does not read`);
    await input.queue.push(batch);
  }

  /** A tier whose head is due, else the input, else what is processed once more; none while as many records are taken up as may be. */
  pick(): CallInput | undefined {
    const { flow, clock } = this.#options;
    if (!this.#inputs.some(({ progress, queue }) => progress.isResuming(queue.position))) flow.resumed();
    if (!flow.hasRoom) return undefined;
    const nowMs = clock.now();
    for (const input of this.#inputs) {
      const { fetched } = input.queue;
      if (fetched === undefined || this.#dueMs(input, fetched) > nowMs) continue;
      if (input.queue.loadHead()) return input;
    }
    return undefined;
  }

  get nextDueMs(): number {
    const nowMs = this.#options.clock.now();
    const due = this.#inputs.flatMap((input) => {
      const { fetched } = input.queue;
      return fetched === undefined ? [] : [this.#dueMs(input, fetched)];
    });
    // What is due already waits for room, not for time.
    return Math.min(Infinity, ...due.filter((each) => each > nowMs));
  }

  offsets(sequence: number): readonly CommittedOffset[] {
    return this.#inputs.map((input) => {
      const { topic, partition } = input.queue;
      const { incarnation } = positionOf(this.#options, topic);
      return { topic, partition, offset: committable(input), metadata: writeMetadata({ sequence, incarnation }) };
    });
  }

  markCommitted(offsets: readonly PartitionOffset[]): void {
    this.#committed = new Map(offsets.map(({ topic, offset }) => [topic, offset]));
  }

  /** Records wait for their tier's delay from when they were written to it, unless somebody has ordered something about them. */
  #dueMs({ delayMs }: CallInput, { timestampMs }: FetchedRecord): number {
    const isDue = delayMs === undefined || this.#options.flow.waitingOrders.mayConcern(timestampMs);
    return isDue ? -Infinity : timestampMs + delayMs;
  }

  /** The head of a tier cannot be decoded. What waits behind it must not wait for ever. */
  #passTierHead({ queue, progress, delayMs }: CallInput, node: string, error: unknown): void {
    const { undecodable, flow } = this.#options;
    const fetched = queue.fetched!;
    const { topic, partition } = queue;
    let parcel: Parcel;
    try {
      parcel = parcelIn(fetched);
    } catch {
      undecodable(node, { topic, partition, raw: fetched }, error);
      return;
    }
    const { offset } = fetched;
    const isResumed = progress.takeUp(offset);
    const source = { topic: parcel.topic, partition: parcel.partition, raw: sourceRecordIn(parcel) };
    const tier = tierTimes(fetched.timestampMs, delayMs!);
    flow.arriveUnread({ kind: "input", progress, offset, isTier: true, tier, isResumed }, parcel, () =>
      undecodable(node, source, error),
    );
  }

  /** The head of an input, as it is to be called for. */
  parcelOf({ topic, queue, delayMs, isReplay }: CallInput): Parcel {
    const { fetched } = queue;
    invariant(fetched !== undefined, "an input without a record has no head");
    if (delayMs !== undefined) return parcelIn(fetched);
    const { offset, timestampMs, key, value, headers } = isReplay ? originalOf(fetched) : fetched;
    const { partition } = queue;
    return { topic, partition, offset, timestampMs, key, value, headers, travel: untravelled, address: undefined };
  }
}

export const tierTimes = (appendedMs: number, delayMs: number) => ({ appendedMs, dueMs: appendedMs + delayMs });

const committable = ({ progress, queue }: CallInput): number => progress.committable(queue.position);

/** @throws {RecordError} CALL_TIER_RECORD if it was not put there by the job */
function parcelIn({ headers, key, value }: FetchedRecord): Parcel {
  const { [PARCEL_HEADER]: label, ...own } = headers ?? {};
  if (label === undefined) throw strange(`it has no header "${PARCEL_HEADER}"`);
  try {
    return unpackParcel(label, { key, value, headers: Object.keys(own).length === 0 ? undefined : own });
  } catch (error) {
    throw strange(`its header "${PARCEL_HEADER}" cannot be read: ${(error as Error).message}`);
  }
}

const strange = (what: string): RecordError =>
  new RecordError(
    `a record of a retry tier was not written by this job: ${what}; write what is to be called for to the topic that the call reads`,
    { code: "CALL_TIER_RECORD" },
  );

/** The record that waits in a tier, as its source had it. */
const sourceRecordOf = (fetched: FetchedRecord): FetchedRecord => sourceRecordIn(parcelIn(fetched));

const sourceRecordIn = ({ offset, timestampMs, key, value, headers }: Parcel): FetchedRecord => ({
  ...{ offset, timestampMs, key, value, headers },
});
