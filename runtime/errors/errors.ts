import { MulgilError, type MulgilErrorOptions } from "../../schemas/mulgil-error.ts";

/** One thing that is wrong with a definition or a configuration. */
export interface Issue {
  readonly code: string;
  /** The step, topic or option it is about. */
  readonly at: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

const list = (title: string, issues: readonly Issue[]) =>
  [title, ...issues.map((issue) => `  ${issue.code} at ${issue.at}: ${issue.message}`)].join("\n");

/** A job's definition is wrong. Nothing has started; `issues` holds every mistake, not the first. */
export class DefinitionError extends MulgilError {
  readonly issues: readonly Issue[];
  constructor(job: string, issues: readonly Issue[]) {
    super(list(`job "${job}" has ${issues.length === 1 ? "a mistake" : `${issues.length} mistakes`}:`, issues), {
      code: issues[0]?.code ?? "JOB_INVALID",
      context: { job },
    });
    this.issues = issues;
  }
}

/** The surroundings of a job are wrong (an option, a topic, a directory). Nothing has started. */
export class ConfigError extends MulgilError {
  readonly issues: readonly Issue[];
  constructor(title: string, issues: readonly Issue[], options: Partial<MulgilErrorOptions> = {}) {
    super(list(title, issues), { ...options, code: options.code ?? issues[0]?.code ?? "CONFIG_INVALID" });
    this.issues = issues;
  }
}

/** One record cannot be processed; the job's policy decides (by default it goes to the DLQ and the rest goes on). */
export class RecordError extends MulgilError {}

/** Thrown by a user's function: trying this record again cannot help. It goes to the DLQ. `code` names the broken rule. */
export class TerminalError extends MulgilError {
  constructor(message: string, options: Partial<MulgilErrorOptions> = {}) {
    super(message, { ...options, code: options.code ?? "RECORD_TERMINAL" });
  }
}

/** Thrown by the handler of a call: the call may succeed later. Any error means that; this one says when to come back. */
export class RetriableError extends MulgilError {
  /** Not before this long; undefined: as the policy's back-off has it. */
  readonly afterMs: number | undefined;
  constructor(
    message: string,
    { afterMs, ...options }: Partial<MulgilErrorOptions> & { readonly afterMs?: number } = {},
  ) {
    super(message, { ...options, code: options.code ?? "CALL_RETRIABLE" });
    this.afterMs = afterMs;
  }
}

/** This worker no longer owns the task: drop it at once, commit nothing, rejoin. */
export class TaskMigratedError extends MulgilError {}

/** Mulgil itself is wrong. The worker stops without committing. */
export class InvariantError extends MulgilError {
  constructor(message: string, options: Partial<MulgilErrorOptions> = {}) {
    super(message, { ...options, code: options.code ?? "INVARIANT" });
  }
}

/** States what must hold; on in production. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
