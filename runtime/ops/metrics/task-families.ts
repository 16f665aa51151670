import type { InputMeasures, RunningTaskMeasures, TaskMeasures } from "../../worker/measures.ts";
import type { Labels, MetricFamily, Sample } from "./metric-family.ts";
import { type ProcessView, viewKey } from "./process-view.ts";

const TASK = ["job", "task"];
const INPUT = ["job", "task", "topic", "partition"];
const STORE = ["job", "task", "store"];

export const taskFamilies: readonly MetricFamily[] = [
  gauge(
    "mulgil_consumer_lag_records",
    "Offsets between what is processed and the end of the input; markers count",
    INPUT,
    ofInputs(lagOf),
  ),
  gauge(
    "mulgil_consumer_lag_seconds",
    "Age of the oldest record that is not processed, 0 if there is none",
    INPUT,
    ofInputs(lagSeconds),
  ),
  gauge(
    "mulgil_consumer_position",
    "The next offset to process; for a call, the first whose call has not ended",
    INPUT,
    ofInputs(({ position }) => position),
  ),
  gauge(
    "mulgil_consumer_buffered_records",
    "Records that were fetched and wait",
    INPUT,
    ofInputs(({ buffered }) => buffered),
  ),
  gauge(
    "mulgil_retry_tier_records",
    "Offsets of a retry tier that wait for their time; markers count",
    [...INPUT, "delay"],
    ofTiers,
  ),
  gauge(
    "mulgil_task_stream_time_seconds",
    "The highest event time that the task has seen",
    TASK,
    ofRunning(streamTime),
  ),
  gauge(
    "mulgil_task_stream_time_lag_seconds",
    "How far stream time is behind the clock",
    TASK,
    ofRunning(streamTimeLag),
  ),
  gauge(
    "mulgil_task_last_commit_timestamp_seconds",
    "When the task last committed in this process",
    TASK,
    ofRunning(({ committedAtMs }) => seconds(committedAtMs)),
  ),
  gauge(
    "mulgil_task_output_buffer_bytes",
    "Outputs that wait for the next commit",
    TASK,
    ofRunning(({ outputBytes }) => outputBytes),
  ),
  gauge(
    "mulgil_task_calls_under_way",
    "Records that a call has taken up and that have not ended",
    TASK,
    ofRunning(({ calls }) => calls?.underWay),
  ),
  gauge(
    "mulgil_task_held_records",
    "Records that wait in state behind an unfinished one of their order key",
    TASK,
    ofRunning(({ calls }) => calls?.held),
  ),
  gauge(
    "mulgil_task_schema_wait_seconds",
    "How long the task has waited for a schema that the registry does not give, 0 if it does not wait",
    TASK,
    ofRunning(schemaWait),
  ),
  gauge(
    "mulgil_restore_remaining_records",
    "Changelog offsets that a restore has before it",
    TASK,
    ofTasks(({ restoring }) => restoring && restoring.total - restoring.done),
  ),
  gauge(
    "mulgil_restore_remaining_seconds",
    "How long a restore will take if it goes on as it did",
    TASK,
    ofTasks(({ restoring }) => seconds(restoring?.timeLeftMs)),
  ),
  gauge("mulgil_state_changed_entries", "Entries of a store that the next commit writes", STORE, ofStores),
  gauge("mulgil_state_bytes", "Size of a store's directory; looked up once a minute", STORE, stateBytes),
];

function gauge(
  name: string,
  help: string,
  labels: readonly string[],
  samples: (view: ProcessView) => readonly Sample[],
): MetricFamily {
  return { name, help, labels, series: { type: "gauge", samples } };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

function streamTime({ streamTimeMs }: RunningTaskMeasures): number | undefined {
  return seconds(streamTimeMs);
}

function streamTimeLag({ streamTimeMs }: RunningTaskMeasures, { nowMs }: ProcessView): number | undefined {
  return streamTimeMs === undefined ? undefined : (nowMs - streamTimeMs) / 1_000;
}

function schemaWait({ schemaAwaitedSinceMs }: RunningTaskMeasures, { nowMs }: ProcessView): number {
  return schemaAwaitedSinceMs === undefined ? 0 : Math.max(0, nowMs - schemaAwaitedSinceMs) / 1_000;
}

/** An end that was looked up may be newer than that of the last fetch, or older. */
export function lagOf({ topic, partition, position, endOffset }: InputMeasures, { ends }: ProcessView): number {
  return Math.max(0, Math.max(endOffset, ends.get(viewKey(topic, partition)) ?? 0) - position);
}

function lagSeconds(input: InputMeasures, view: ProcessView, { job }: Labels): number {
  if (lagOf(input, view) === 0) return 0;
  const { topic, partition, oldestTimestampMs } = input;
  const sinceMs = oldestTimestampMs ?? view.behindSinceMs.get(viewKey(job!, topic, partition)) ?? view.nowMs;
  return Math.max(0, (view.nowMs - sinceMs) / 1_000);
}

/** One sample a task where there is a value. */
function ofTasks(read: (task: TaskMeasures, view: ProcessView) => number | undefined) {
  return (view: ProcessView): readonly Sample[] =>
    tasksIn(view).flatMap(({ labels, task }) => {
      const value = read(task, view);
      return value === undefined ? [] : [{ labels, value }];
    });
}

function ofRunning(read: (task: RunningTaskMeasures, view: ProcessView) => number | undefined) {
  return ofTasks(({ running }, view) => running && read(running, view));
}

/** Of sources and repartition topics; tiers wait on purpose. */
function ofInputs(read: (input: InputMeasures, view: ProcessView, labels: Labels) => number) {
  return (view: ProcessView): readonly Sample[] =>
    inputsIn(view).flatMap(({ labels, input }) =>
      input.delayMs === undefined ? [{ labels, value: read(input, view, labels) }] : [],
    );
}

function ofTiers(view: ProcessView): readonly Sample[] {
  return inputsIn(view).flatMap(({ labels, input }) =>
    input.delayMs === undefined
      ? []
      : [{ labels: { ...labels, delay: `${input.delayMs / 1_000}s` }, value: lagOf(input, view) }],
  );
}

function ofStores(view: ProcessView): readonly Sample[] {
  return storesIn(view).map(({ labels, changedEntries }) => ({ labels, value: changedEntries }));
}

function stateBytes(view: ProcessView): readonly Sample[] {
  return storesIn(view).flatMap(({ labels: { job, task, store } }) => {
    const value = view.stateBytes.get(viewKey(job, task, store));
    return value === undefined ? [] : [{ labels: { job, task, store }, value }];
  });
}

const tasksIn = ({ jobs }: ProcessView) =>
  jobs.flatMap(({ plan: { job }, members }) =>
    members.flatMap(({ tasks }) => tasks.map((task) => ({ labels: { job, task: task.task }, task }))),
  );

const inputsIn = (view: ProcessView) =>
  tasksIn(view).flatMap(({ labels, task }) =>
    (task.running?.inputs ?? []).map((input) => ({
      labels: { ...labels, topic: input.topic, partition: input.partition },
      input,
    })),
  );

const storesIn = (view: ProcessView) =>
  tasksIn(view).flatMap(({ labels, task }) =>
    (task.running?.stores ?? []).map(({ store, changedEntries }) => ({ labels: { ...labels, store }, changedEntries })),
  );
