import type { SourceRecord } from "./dead-letter.ts";
import { keyHash } from "./key-hash.ts";
import type { RecordPlace, WorkStatus } from "./member-status.ts";
import type { AwaitedSchema } from "./record-queue.ts";
import type { OutputCause } from "./task-outputs.ts";
import type { TaskWork } from "./task-work.ts";

/** Where a record lies, for whoever may not see what is in it. */
export const recordPlace = ({ topic, partition, raw }: SourceRecord): RecordPlace => ({
  ...{ topic, partition, offset: raw.offset, timestampMs: raw.timestampMs },
  keyHash: keyHash(raw.key),
});

/** What a task waits for; undefined if nothing. */
export function workStatus(current: TaskWork["current"], cause: OutputCause): WorkStatus | undefined {
  if (current === undefined) return undefined;
  const { kind, sinceMs, step } = current;
  const isTimer = kind === "timer" || cause.record.isTimer;
  const source = kind === "record" ? cause.source : undefined;
  return {
    kind: kind === "record" && isTimer ? "timer" : kind,
    ...{ sinceMs, step },
    record: source === undefined ? undefined : recordPlace(source),
  };
}

/** A task that waits for a schema, and for nothing else. Why it is not here yet is known to whoever asks for it. */
export function schemaStatus(awaited: AwaitedSchema | undefined): WorkStatus | undefined {
  if (awaited === undefined) return undefined;
  const { id, sinceMs } = awaited;
  return { kind: "schema", sinceMs, step: undefined, record: recordPlace(awaited), schema: { id, problem: undefined } };
}
