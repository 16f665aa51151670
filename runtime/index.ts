/** The public entry of Mulgil. What is not exported here may change at any time. */
export { Decimal } from "../schemas/decimal.ts";
export type { KeyOf, KeyType } from "../schemas/key-type.ts";
export { MulgilError } from "../schemas/mulgil-error.ts";
export type { AvroJson, Schema, SchemaType } from "../schemas/schema.ts";
export {
  type AggregateResult,
  type Aggregator,
  type AggregatorTree,
  accumulate,
  average,
  collect,
  count,
  distinctCount,
  first,
  last,
  max,
  min,
  sum,
  topN,
  when,
} from "./dsl/aggregators.ts";
export type { CallContext, CallFailure, CallOptions, Erasure } from "./dsl/call.ts";
export type { CallPolicy, CircuitPolicy, ConcurrencyBounds, RetryPolicy } from "./dsl/call-policy.ts";
export { defineJob, type From, type Job, type JobDefinition, type SourceOptions } from "./dsl/define-job.ts";
export type { Duration } from "./dsl/duration.ts";
export {
  type Dead,
  type Done,
  dead,
  done,
  type FailureClass,
  type Outcome,
  type Retry,
  retry,
  type Wait,
  wait,
} from "./dsl/outcome.ts";
export {
  type MapState,
  mapStore,
  type ProcessContext,
  type ProcessOptions,
  type Timer,
  type TimerDomain,
  type ValueState,
  valueStore,
} from "./dsl/process.ts";
export type { RecordContext } from "./dsl/record.ts";
export type { GapPolicy, PositionOptions, StartFrom } from "./dsl/source-options.ts";
export type { LogFields, LogLevel, StepLog } from "./dsl/step-log.ts";
export type {
  Aggregated,
  AggregateOptions,
  CallResult,
  Stream,
  UserAggregateOptions,
  WindowedResult,
  WindowedStream,
} from "./dsl/stream.ts";
export type { Table } from "./dsl/table.ts";
export { type TopicDefinition, type TopicKey, type TopicOptions, type TopicValue, topic } from "./dsl/topic.ts";
export type { Delivery } from "./dsl/topology.ts";
export {
  type Emit,
  type Grace,
  hopping,
  session,
  sliding,
  tumbling,
  type WindowBounds,
  type Windows,
} from "./dsl/windows.ts";
export {
  ConfigError,
  DefinitionError,
  InvariantError,
  type Issue,
  RecordError,
  RetriableError,
  TerminalError,
} from "./errors/errors.ts";
export type { HttpOptions, OidcOptions } from "./ops/http/access/http-options.ts";
export type { LetterTransform, TransformedLetter } from "./ops/letter-transform.ts";
export type { ListenAddress } from "./ops/worker-server.ts";
export { compile } from "./plan/compile.ts";
export { type DescribeFormat, describe } from "./plan/describe.ts";
export type { Plan, PlannedStore, PlannedTopic, SubTopology } from "./plan/plan.ts";
export { validate } from "./plan/validate.ts";
export type { TracingOptions } from "./trace/open-tracing.ts";
export type { JobEvent } from "./worker/job-event.ts";
export type { MemberStatus, TaskStatus } from "./worker/member-status.ts";
export type { KafkaOptions } from "./worker/open-kafka.ts";
export type { RestoreStatus } from "./worker/restore-progress.ts";
export type { JobStatus, JobsRun } from "./worker/run-jobs.ts";
export { type StartOptions, startJobs } from "./worker/start-jobs.ts";
