import type { JobEvent } from "../../runtime/index.ts";
import { parseTaskId } from "../../runtime/worker/task-id.ts";
import { type Problem, problemOf } from "../output/problem.ts";

/** From which level on lines are printed. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevelMin = (typeof LOG_LEVELS)[number];

export const isShown = (level: LogLevelMin, from: LogLevelMin): boolean =>
  LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(from) && from !== "silent";

const TROUBLE: ReadonlySet<JobEvent["kind"]> = new Set([
  "quarantined",
  "restarting",
  "gap",
  "lost",
  "circuitsUnshared",
  "standbyFailed",
  "ordersUnread",
  "schemaAwaited",
]);

export function levelOf(event: JobEvent): Exclude<LogLevelMin, "silent"> {
  if (event.kind === "log") return event.level;
  return TROUBLE.has(event.kind) ? "warn" : "info";
}

/** What a line of JSON says of an event; `message` is beside it. */
export function lineOf(event: JobEvent): object {
  const partition = "task" in event ? { partition: parseTaskId(event.task).partition } : {};
  if (event.kind === "log") {
    const { message: _, level: _level, fields, ...place } = event;
    return { ...partition, ...present(place), ...(fields !== undefined && { fields }) };
  }
  return { ...partition, ...present(event), ...("error" in event && { error: told(event.error) }) };
}

export const messageOfEvent = (event: JobEvent): string => (event.kind === "log" ? event.message : event.kind);

/** An error as it is told on: its code and its message, nothing that hangs on it. */
export function told(error: unknown): Problem {
  const { code, message } = error instanceof Error ? problemOf(error) : ((error ?? {}) as Partial<Problem>);
  return { code: code ?? "UNEXPECTED", message: message ?? String(error) };
}

/** Without what is undefined: it would take the place of what is known. */
const present = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
