import { invariant } from "../errors/errors.ts";
import type { FetchedRecord, Headers } from "../log/port.ts";
import type { Parcel } from "../resilience/parcel.ts";
import { beginsTrace, isSampled } from "../trace/sampling.ts";
import { parseTraceparent, TRACEPARENT, TRACESTATE, type TraceContext, traceparentOf } from "../trace/trace-context.ts";
import type { Span, SpanAttributes, Tracer } from "../trace/tracer.ts";

/** The trace of what a task is at. */
interface Current {
  /** Undefined: it is not recorded, and its headers are only handed on. */
  readonly context: TraceContext | undefined;
  readonly headers: Headers;
}

/** Where the record lies that is to be processed. */
export interface TracedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly raw: FetchedRecord | undefined;
}

export interface TaskTraceOptions {
  readonly tracer: Tracer;
  readonly job: string;
  readonly task: string;
  /** Topics whose records come from outside: they may begin a trace. */
  readonly sources: readonly string[];
}

/** Since the last commit; the oldest go first. */
const RECENT_MAX = 1_000;
/** Of spans that wait for one commit; beyond it outputs carry their cause's span instead of one of their own. */
const SENDING_MAX = 10_000;

/**
 * The traces of the records that a task processes. For a record that is not traced nothing is made: it costs a look at its headers and one at its
 * offset, and an output one at `#current`.
 */
export class TaskTrace {
  readonly #tracer: Tracer;
  readonly #common: SpanAttributes;
  #current: Current | undefined;
  #processing: Span | undefined;
  /** The last traced record of a key, for what is sent at a commit; by the key's bytes. */
  readonly #recent = new Map<string, TraceContext>();
  #sending: Span[] = [];
  /** Between records: what is sent now is sent because a commit is due. */
  #isFlushing = false;
  readonly #sources: ReadonlySet<string>;
  #lastTopic = "";
  #isLastSource = false;

  constructor(options: TaskTraceOptions) {
    const { tracer, job, task, sources } = options;
    this.#tracer = tracer;
    this.#sources = new Set(sources);
    this.#common = {
      "messaging.system": tracer.system,
      "messaging.consumer.group.name": job,
      "mulgil.job": job,
      "mulgil.task": task,
    };
  }

  /**
   * A record is about to be processed; the one before it has been.
   * @param isAgain it comes out of a tier, and begins no trace there
   */
  begin({ topic, partition, raw }: TracedRecord, isAgain = false): void {
    if (this.#current !== undefined) this.end();
    this.#isFlushing = false;
    invariant(raw !== undefined, "a record that is not there has no trace");
    this.goOnWith(raw.headers);
    const current: Current | undefined = this.#current;
    if (current === undefined) {
      if (!isAgain && this.#isSource(topic) && beginsTrace(this.#tracer.sampling, partition, raw.offset))
        this.#process(topic, partition, raw, undefined);
    } else if (current.context !== undefined) this.#process(topic, partition, raw, current.context);
  }

  /** Asked for every record, nearly always about the topic of the one before. */
  #isSource(topic: string): boolean {
    if (topic !== this.#lastTopic) {
      this.#lastTopic = topic;
      this.#isLastSource = this.#sources.has(topic);
    }
    return this.#isLastSource;
  }

  #process(topic: string, partition: number, raw: FetchedRecord, parent: TraceContext | undefined): void {
    const span = this.#tracer.start({
      name: `process ${topic}`,
      kind: "consumer",
      parent,
      state: parent && raw.headers?.[TRACESTATE]?.toString("latin1"),
      attributes: {
        ...this.#common,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": String(partition),
        "messaging.kafka.offset": raw.offset,
      },
    });
    // The provider has the last word.
    const { context } = span;
    this.#processing = span;
    this.#current = { context: context.isSampled ? context : undefined, headers: headersOf(span) };
    if (!context.isSampled || raw.key === null) return;
    const key = raw.key.toString("latin1");
    this.#recent.delete(key);
    this.#recent.set(key, context);
    if (this.#recent.size > RECENT_MAX) this.#recent.delete(this.#recent.keys().next().value!);
  }

  /** What happens from now on has no record as its cause. */
  end(): void {
    this.#processing?.end();
    this.#processing = undefined;
    this.#current = undefined;
  }

  /** A commit begins: what it sends links the last traced record of its key. */
  flush(): void {
    this.end();
    this.#isFlushing = true;
  }

  /** The record is processed; what comes of it later, `goOnWith` its headers says. */
  get current(): Headers | undefined {
    return this.#current?.headers;
  }

  /** Of the trace that is recorded now. */
  get traceId(): string | undefined {
    return this.#current?.context?.traceId;
  }

  /** Of a record's trace, if that is recorded: it goes on, or began with the record. */
  traceIdOf(headers: Headers | undefined): string | undefined {
    const given = headers?.[TRACEPARENT];
    return given === undefined ? this.traceId : this.#read(given, undefined)?.context?.traceId;
  }

  /** What happens from now on is caused by a record with these headers. @returns what was at work, for `resume` */
  goOnWith(headers: Headers | undefined): unknown {
    const before = this.#current;
    const given = headers?.[TRACEPARENT];
    if (given === undefined) this.#current = undefined;
    else if (given !== before?.headers[TRACEPARENT]) this.#current = this.#read(given, headers![TRACESTATE]);
    return before;
  }

  resume(before: unknown): void {
    this.#current = before as Current | undefined;
  }

  #read(given: Buffer, state: Buffer | undefined): Current | undefined {
    const context = parseTraceparent(given);
    if (context === undefined) return undefined;
    const isRecorded = isSampled(this.#tracer.sampling, context);
    const headers = { [TRACEPARENT]: given, ...(state !== undefined && { [TRACESTATE]: state }) };
    return { context: isRecorded ? context : undefined, headers };
  }

  /** The headers of an output; undefined where there is no trace. */
  readonly headersFor = (topic: string, key: Buffer | null): Headers | undefined => {
    const current = this.#current;
    if (current !== undefined) {
      const { context, headers } = current;
      return context === undefined ? headers : this.#send(topic, context, undefined, headers);
    }
    if (!this.#isFlushing || this.#recent.size === 0 || key === null) return undefined;
    const last = this.#recent.get(key.toString("latin1"));
    return last === undefined ? undefined : this.#send(topic, undefined, last, undefined);
  };

  #send(topic: string, parent: TraceContext | undefined, link: TraceContext | undefined, headers: Headers | undefined) {
    if (this.#sending.length >= SENDING_MAX) return headers;
    const span = this.#tracer.start({
      name: `send ${topic}`,
      kind: "producer",
      parent,
      link,
      state: headers?.[TRACESTATE]?.toString("latin1"),
      attributes: {
        ...this.#common,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
      },
    });
    this.#sending.push(span);
    return headersOf(span);
  }

  /** What was sent leaves with the commit that begins now. @returns to be told how that ended */
  seal(): (error?: string) => void {
    const spans = this.#sending;
    this.#sending = [];
    this.#recent.clear();
    this.#isFlushing = false;
    return (error) => {
      for (const span of spans) span.end({}, error);
    };
  }

  /** The task ends, and with it what no commit covers. */
  close(): void {
    this.end();
    this.seal()("aborted");
  }

  /** A call for a record, or that none could be made; undefined if the record is not traced. */
  call(step: string, parcel: Parcel): Span | undefined {
    const given = parcel.headers?.[TRACEPARENT];
    const read = given === undefined ? undefined : this.#read(given, parcel.headers![TRACESTATE]);
    if (read?.context === undefined) return undefined;
    const { topic, partition, offset, travel, address } = parcel;
    return this.#tracer.start({
      name: `call ${step}`,
      kind: "client",
      parent: read.context,
      state: read.headers[TRACESTATE]?.toString("latin1"),
      attributes: {
        ...this.#common,
        "mulgil.step": step,
        "mulgil.institution": address?.resource ?? "",
        "mulgil.attempt": travel.attempts + 1,
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": String(partition),
        "messaging.kafka.offset": offset,
      },
    });
  }
}

/** The headers of a record with a trace in the place of those that it had. */
export const withTrace = (headers: Headers | undefined, trace: Headers | undefined): Headers | undefined =>
  trace === undefined ? headers : { ...headers, ...trace };

const headersOf = ({ context, state }: Span): Headers => ({
  [TRACEPARENT]: Buffer.from(traceparentOf(context), "latin1"),
  ...(state !== undefined && { [TRACESTATE]: Buffer.from(state, "latin1") }),
});
