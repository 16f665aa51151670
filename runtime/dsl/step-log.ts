export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a line says besides its message: names and numbers, no payloads and nothing personal, for nobody masks it. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** One line, as it is handed on. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/**
 * What a job's own functions write to the log of the run. Each line also says job, task, step, and topic, partition, offset and trace of the record. It
 * comes out as the event "log" of `startJobs`, and as a line of `mulgil run`. Lines are not part of the commit: what is done again is logged again.
 */
export interface StepLog {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export function stepLog(write: (entry: LogEntry) => void): StepLog {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => write({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
