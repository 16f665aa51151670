import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { LogEntry } from "../dsl/step-log.ts";
import { InvariantError, invariant, RecordError, TaskMigratedError, TerminalError } from "../errors/errors.ts";
import type { ProduceBatch, ProducerRecord } from "../log/port.ts";
import type { CurrentRecord, Receive, TracedPlace } from "../operators/operator.ts";
import { inheritedReplay } from "../resilience/replay-headers.ts";
import { type CallHistory, codeOf, deadLetter, type SourceRecord } from "./dead-letter.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { type TaskTrace, withTrace } from "./task-trace.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

/** What a task is at, and so the cause of what it sends; one object a task, changed in place. */
export interface OutputCause {
  readonly record: CurrentRecord;
  /** The record as it was fetched; undefined if something else is the cause. */
  source: SourceRecord | undefined;
  /** Read once a batch. */
  wallClockMs: number;
}

export interface TaskOutputsOptions {
  /** Of the task. */
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly partition: number;
  readonly cause: OutputCause;
  readonly onEvent: WorkerEnvironment["onEvent"];
  readonly trace: TaskTrace | undefined;
}

/** What a task sends with its next commit: records of its sinks and repartitions, and dead letters for what a step cannot process. */
export class TaskOutputs {
  readonly #options: TaskOutputsOptions;
  readonly #cause: OutputCause;
  readonly #buffer: OutputBuffer;

  constructor(options: TaskOutputsOptions) {
    this.#options = options;
    this.#cause = options.cause;
    this.#buffer = new OutputBuffer({ partition: options.partition });
  }

  get records(): number {
    return this.#buffer.records;
  }

  get bytes(): number {
    return this.#buffer.bytes;
  }

  /** Hands everything over and is empty again. */
  take(): readonly ProduceBatch[] {
    return this.#buffer.take();
  }

  /** Sends bytes as they are. */
  addBytes(topic: string, partition: number, record: ProducerRecord): void {
    this.#buffer.addBytes(topic, partition, record);
  }

  /** Where a sink or repartition node writes. What does not fit its topic is a dead letter. */
  receiverOf(node: string): Receive {
    const encoder = this.#options.runtime.encoders.get(node);
    invariant(encoder !== undefined, `task ${this.#options.id} has no output "${node}"`);
    const headersFor = this.#options.trace?.headersFor;
    return (key, value, timestampMs) => {
      const { record, source, wallClockMs } = this.#cause;
      const inherited = record.isTimer ? undefined : inheritedReplay(source?.raw.headers);
      try {
        this.#buffer.add(encoder, key, value, timestampMs, wallClockMs, inherited, headersFor);
      } catch (error) {
        this.recordError(node, error, key, value);
      }
    };
  }

  /** A line of the log that the job's own function writes, about this record. */
  log(step: string, { level, message, fields }: LogEntry, record: TracedPlace | undefined): void {
    const { id, runtime, onEvent, trace } = this.#options;
    const { topic, partition, offset, headers } = record ?? {};
    const said = { step, level, message, fields, topic, partition, offset, traceId: trace?.traceIdOf(headers) };
    onEvent({ kind: "log", job: runtime.job.name, task: id, ...said });
  }

  /** Sends a dead letter. @throws the error itself if it is not about a record */
  recordError(step: string, error: unknown, key: unknown, value: unknown, calls?: CallHistory): void {
    if (isFatal(error)) throw error;
    const { id, runtime, onEvent, trace } = this.#options;
    const { metrics, plan, job } = runtime;
    const { record, wallClockMs } = this.#cause;
    const source = record.isTimer ? undefined : this.#cause.source;
    const letter = deadLetter({ job: job.name, step, wallClockMs, source, calls }, error, key, value);
    const headers = withTrace(letter.headers, trace?.headersFor(plan.dlqTopic, null));
    this.#buffer.addBytes(plan.dlqTopic, 0, { ...letter, headers });
    metrics.deadLetters++;
    onEvent({
      kind: "deadLetter",
      job: job.name,
      task: id,
      step,
      code: codeOf(error),
      topic: source?.topic,
      partition: source?.partition,
      offset: source?.raw.offset,
      traceId: trace?.traceId,
    });
  }
}

/** Not about a record, wherever it was thrown. */
function isFatal(error: unknown): boolean {
  if (error instanceof InvariantError || error instanceof TaskMigratedError) return true;
  if (error instanceof TerminalError || error instanceof RecordError) return false;
  return error instanceof MulgilError && error.code.startsWith("STATE_");
}
