import type { RefusedRequest } from "./refused-request.ts";
import { responseCode } from "./response-code.ts";

/** An HTTP response, not yet sent. */
export interface Answer {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Called when all of it has been handed to the network. */
  readonly whenSent?: () => void;
}

const HTTP_UNAVAILABLE = 503;
const HTTP_SERVER_ERROR = 500;
const SECOND_MS = 1_000;

export const answerWith = (body: object, whenSent?: () => void): Answer => ({
  status: 200,
  code: responseCode.ok,
  headers: {},
  body: Buffer.from(JSON.stringify({ rsp_code: responseCode.ok, rsp_msg: "SUCCESS", ...body })),
  ...(whenSent && { whenSent }),
});

export const refusalAnswer = ({ code, message, details: { retryAfterMs, fields } }: RefusedRequest): Answer => ({
  status: statusOf(code),
  code,
  headers:
    retryAfterMs === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / SECOND_MS))) },
  body: Buffer.from(JSON.stringify({ rsp_code: code, rsp_msg: message, ...fields })),
});

/** The HTTP status is how the code begins. */
function statusOf(code: string): number {
  if (code === responseCode.maintenance) return HTTP_UNAVAILABLE;
  return code.startsWith("5") ? HTTP_SERVER_ERROR : Number(code.slice(0, 3));
}
