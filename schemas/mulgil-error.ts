/** Where an error happened. Every field is optional; none ever holds a payload. */
export interface ErrorContext {
  readonly job?: string;
  readonly step?: string;
  readonly task?: string;
  readonly store?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly keyHash?: string;
  readonly file?: string;
}

export interface MulgilErrorOptions {
  readonly code: string;
  readonly cause?: unknown;
  readonly context?: ErrorContext;
}

/**
 * The base of every error that Mulgil raises on purpose. `code` is stable and listed in docs/ERRORS.md; the message says
 * what happened, to which thing, and what to do now. It lives in the lowest folder because every folder throws it.
 */
export class MulgilError extends Error {
  readonly code: string;
  readonly context: ErrorContext;

  constructor(message: string, options: MulgilErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.context = options.context ?? {};
  }
}
