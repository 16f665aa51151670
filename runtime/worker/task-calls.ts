import type { CallNode } from "../dsl/topology.ts";
import { RecordError } from "../errors/errors.ts";
import type { FetchedRecord } from "../log/port.ts";
import type { CurrentRecord, Receive } from "../operators/operator.ts";
import type { PlannedCall } from "../plan/plan.ts";
import { CallFlow } from "../resilience/call-flow.ts";
import type { CallEdge, CallHost } from "../resilience/call-host.ts";
import type { CallItem, Origin } from "../resilience/call-item.ts";
import { PARCEL_HEADER, type Parcel, packParcel } from "../resilience/parcel.ts";
import { type CallInput, type CallInputs, tierTimes } from "./call-inputs.ts";
import type { StepResources } from "./call-resources.ts";
import type { CallsStatus } from "./member-status.ts";
import type { AwaitedSchema, InputDecoder } from "./record-queue.ts";
import type { TaskOptions } from "./task.ts";
import type { OutputCause, TaskOutputs } from "./task-outputs.ts";
import { type TaskTrace, withTrace } from "./task-trace.ts";
import type { TaskWork } from "./task-work.ts";
import { recordPlace } from "./work-status.ts";

export interface TaskCallsOptions {
  readonly task: TaskOptions;
  readonly node: CallNode;
  readonly planned: PlannedCall;
  readonly resources: StepResources;
  readonly outputs: TaskOutputs;
  readonly trace: TaskTrace | undefined;
  readonly cause: OutputCause;
  readonly work: TaskWork;
  readonly store: CallHost["store"];
  /** The steps behind. */
  readonly edges: Readonly<Record<CallEdge, Receive>>;
}

/** The calls of a task, between its inputs and its outputs. */
export class TaskCalls {
  readonly flow: CallFlow;
  readonly #options: TaskCallsOptions;
  readonly #replays: (() => void)[] = [];
  #isReplaying = false;
  #isClosed = false;
  /** Records out of state that wait for their schema, the oldest first. */
  readonly #awaited = new Set<AwaitedSchema>();
  #input: { readonly node: string; readonly receive: Receive; readonly decoder: InputDecoder } | undefined;

  constructor(options: TaskCallsOptions) {
    const { node, planned, resources, task, store, work } = options;
    this.#options = options;
    this.flow = new CallFlow({
      node,
      tierDelaysMs: planned.tiers.map(({ delayMs }) => delayMs),
      host: {
        id: task.id,
        job: task.runtime.job.name,
        clock: task.environment.clock,
        store,
        guard: (resource) => resources.guard(resource),
        policyOf: (resource) => resources.policyOf(resource),
        waitingOrders: resources.waitingOrders,
        emit: (item, edge, values) => this.#emit(item, edge, values),
        deadLetter: (item, code, reason) => this.#deadLetter(item, code, reason),
        toTier: (tier, parcel) => this.#toTier(tier, parcel),
        replay: (parcel, origin) => this.#replay(parcel, origin),
        suspend: (asked) => work.ask(asked),
        fail: (error) => work.fail(error, "a call failed without an error"),
        trace: ({ parcel, address }) => this.#options.trace?.call(node.id, { ...parcel, address }),
        log: ({ parcel }, entry) => this.#options.outputs.log(node.id, entry, parcel),
        count: (what) => void task.runtime.metrics[what]++,
      },
    });
  }

  /** What takes the input's records, and reads those that lie in state. */
  bind(node: string, receive: Receive): void {
    this.#input = { node, receive, decoder: this.#options.task.runtime.decoders.get(node)! };
  }

  /** Takes up the head of an input, through the steps in front. */
  arrive(inputs: CallInputs, input: CallInput): void {
    const { progress, delayMs, queue, receive } = input;
    const parcel = this.#traced(inputs.parcelOf(input), input);
    const { key, value, timestampMs } = queue;
    const { offset, timestampMs: appendedMs } = queue.fetched!;
    const isResumed = progress.takeUp(offset);
    const tier = delayMs === undefined ? undefined : tierTimes(appendedMs, delayMs);
    this.flow.arrive({ kind: "input", progress, offset, isTier: tier !== undefined, tier, isResumed }, parcel, () =>
      this.#causedBy(parcel, key, timestampMs, () => receive(key, value, timestampMs)),
    );
  }

  /** With the trace in its headers it carries it wherever it goes: into tiers, into state, to the dead letters. */
  #traced(parcel: Parcel, { queue, delayMs }: CallInput): Parcel {
    const { trace } = this.#options;
    if (trace === undefined) return parcel;
    const { topic, partition, fetched } = queue;
    const raw = { ...fetched!, headers: parcel.headers };
    trace.begin({ topic, partition, raw }, delayMs !== undefined);
    return trace.current === undefined ? parcel : { ...parcel, headers: withTrace(parcel.headers, trace.current) };
  }

  /** The schema that a record out of state has waited for longest; undefined if none waits. */
  get awaited(): AwaitedSchema | undefined {
    return this.#awaited.values().next().value;
  }

  get status(): CallsStatus {
    const { inFlight: underWay, oldestCall } = this.flow;
    if (oldestCall === undefined) return { underWay, oldest: undefined };
    const { item, sinceMs } = oldestCall;
    const { topic, partition } = item.parcel;
    const oldest = {
      ...{ step: this.#options.node.id, institution: item.address.resource, sinceMs },
      record: recordPlace({ topic, partition, raw: item.parcel }),
    };
    return { underWay, oldest };
  }

  close(): void {
    this.#isClosed = true;
    this.flow.close();
  }

  /** Runs something as caused by a record. What was being caused goes on behind it. */
  #causedBy(parcel: Parcel, key: unknown, timestampMs: number, what: () => void): void {
    const { cause, task, trace } = this.#options;
    const traceBefore = trace?.goOnWith(parcel.headers);
    const { record, source, wallClockMs } = cause;
    const before = { ...record };
    const { topic, partition, offset, headers = NO_HEADERS } = parcel;
    write(record, { key, timestampMs, window: undefined, topic, partition, offset, headers, isTimer: false });
    // A parcel is a fetched record, and more.
    cause.source = { topic, partition, raw: parcel };
    cause.wallClockMs = task.environment.clock.now();
    try {
      what();
    } finally {
      write(record, before);
      cause.source = source;
      cause.wallClockMs = wallClockMs;
      trace?.resume(traceBefore);
    }
  }

  #emit({ parcel, key, timestampMs }: CallItem, edge: CallEdge, values: readonly unknown[]): void {
    const next = this.#options.edges[edge];
    this.#causedBy(parcel, key, timestampMs, () => {
      for (const value of values) next(key, value, timestampMs);
    });
  }

  #deadLetter({ parcel, key, value, timestampMs }: CallItem, code: string, reason: string): void {
    const { outputs, node } = this.#options;
    const { attempts, firstCallMs } = parcel.travel;
    this.#causedBy(parcel, key, timestampMs, () =>
      outputs.recordError(node.id, new RecordError(reason, { code }), key, value, { attempts, firstCallMs }),
    );
  }

  #toTier(tier: number, parcel: Parcel): void {
    const { outputs, planned, task } = this.#options;
    const { key, value } = parcel;
    const { topic } = planned.tiers[tier]!;
    const headers = this.#headersTo(topic, parcel);
    outputs.addBytes(topic, task.partition, {
      key,
      value,
      timestampMs: task.environment.clock.now(),
      headers: { ...headers, [PARCEL_HEADER]: packParcel(parcel) },
    });
  }

  #headersTo(topic: string, { headers }: Parcel): Parcel["headers"] {
    const { trace } = this.#options;
    if (trace === undefined || headers === undefined) return headers;
    const before = trace.goOnWith(headers);
    try {
      return withTrace(headers, trace.headersFor(topic, null));
    } finally {
      trace.resume(before);
    }
  }

  /** One after the other, however many one leads to. */
  #replay(parcel: Parcel, origin: Origin): void {
    this.#replays.push(() => this.#replayNow(parcel, origin));
    if (this.#isReplaying) return;
    this.#isReplaying = true;
    try {
      for (let next = this.#replays.shift(); next !== undefined; next = this.#replays.shift()) next();
    } finally {
      this.#isReplaying = false;
    }
  }

  #replayNow(parcel: Parcel, origin: Origin): void {
    const { value: values } = this.#input!.decoder;
    const missing = parcel.value === null ? undefined : values.missingId(parcel.value);
    if (missing === undefined) this.#arriveAgain(parcel, origin);
    else void this.#arriveWhenReadable(parcel, origin, missing);
  }

  /** Until then it stays where it is held. */
  async #arriveWhenReadable(parcel: Parcel, origin: Origin, id: number): Promise<void> {
    const { topic, partition } = parcel;
    const awaited = { id, sinceMs: this.#options.task.environment.clock.now(), topic, partition, raw: parcel };
    this.#awaited.add(awaited);
    try {
      await this.#input!.decoder.value.load(id);
    } catch (error) {
      this.#guarded(() => this.#options.work.fail(error, "a schema could not be read"));
      return;
    } finally {
      this.#awaited.delete(awaited);
    }
    this.#guarded(() => this.#arriveAgain(parcel, origin));
  }

  #arriveAgain(parcel: Parcel, origin: Origin): void {
    const { node, receive, decoder } = this.#input!;
    this.flow.arrive(origin, parcel, () => {
      try {
        const key = parcel.key === null || decoder.key === null ? null : decoder.key.decode(parcel.key);
        const value = parcel.value === null ? null : decoder.value.decode(parcel.value);
        const timestampMs = decoder.eventTime(value, fetchedRecordOf(parcel));
        this.#causedBy(parcel, key, timestampMs, () => receive(key, value, timestampMs));
      } catch (error) {
        this.#causedBy(parcel, null, parcel.timestampMs, () =>
          this.#options.outputs.recordError(node, error, null, null),
        );
      }
    });
  }

  #guarded(work: () => void): void {
    if (this.#isClosed) return;
    try {
      work();
    } catch (error) {
      this.#options.work.fail(error, "a call failed without an error");
    }
  }
}

/** Field by field: twice a record, Object.assign would take longer than what stands between. */
function write(record: CurrentRecord, fields: CurrentRecord): void {
  record.key = fields.key;
  record.timestampMs = fields.timestampMs;
  record.window = fields.window;
  record.topic = fields.topic;
  record.partition = fields.partition;
  record.offset = fields.offset;
  record.headers = fields.headers;
  record.isTimer = fields.isTimer;
}

const fetchedRecordOf = ({ offset, timestampMs, key, value, headers }: Parcel): FetchedRecord => ({
  offset,
  timestampMs,
  key,
  value,
  headers,
});

const NO_HEADERS: Readonly<Record<string, Buffer>> = Object.freeze({});
