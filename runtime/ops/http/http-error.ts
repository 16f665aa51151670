import { MulgilError, type MulgilErrorOptions } from "../../../schemas/mulgil-error.ts";

/** An answer that is an error; the message goes to the caller as it is. */
export class HttpError extends MulgilError {
  /** The HTTP status. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    message: string,
    options: MulgilErrorOptions & { readonly status: number; readonly headers?: Readonly<Record<string, string>> },
  ) {
    super(message, options);
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

/** What is asked for does not exist. */
export const notFound = (message: string): HttpError => new HttpError(message, { code: "HTTP_NOT_FOUND", status: 404 });

/** The run has not come so far that this can be answered, or it has ended. */
export const notYet = (message = "the jobs of this process are starting: ask again in a moment"): HttpError =>
  new HttpError(message, { code: "HTTP_NOT_YET", status: 503, headers: { "retry-after": "1" } });

/** The body of every answer that is an error. */
export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string };
}

/** What fastify itself refuses. */
const FASTIFY_CODES: Readonly<Record<number, string>> = {
  400: "HTTP_BAD_REQUEST",
  404: "HTTP_NOT_FOUND",
  408: "HTTP_TIMEOUT",
  413: "HTTP_TOO_LARGE",
  414: "HTTP_TOO_LARGE",
  415: "HTTP_BAD_REQUEST",
  503: "HTTP_TIMEOUT",
};

/** What the caller is told of an error: what was meant for him, and of all else only that it happened. */
export function answerOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const { statusCode = 500, message = "" } = error as { readonly statusCode?: number; readonly message?: string };
  const code = FASTIFY_CODES[statusCode];
  if (code !== undefined) return new HttpError(message, { code, status: statusCode, cause: error });
  if (error instanceof MulgilError)
    return new HttpError(error.message, { code: error.code, status: 500, cause: error.cause });
  return new HttpError("the process could not answer: its own log says more", {
    code: "HTTP_FAILED",
    status: 500,
    cause: error,
  });
}

export const bodyOf = ({ code, message }: HttpError): ErrorAnswer => ({ error: { code, message } });
