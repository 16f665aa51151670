import { readOwnerOnly } from "../../runtime/ops/http/access/owner-only-file.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { httpVariables } from "../environment/variables.ts";
import { messageOf } from "../output/problem.ts";

/** A process that stands still takes the connection and never answers. */
const ANSWER_MAX_MS = 2_000;

/** Asks processes that run jobs over their HTTP interface, as whoever's token is in the file that MULGIL_HTTP_TOKEN_FILE names. */
export interface WorkerClient {
  /**
   * The JSON that a process answers.
   * @param address of the process, as its group has it
   * @param path with its query; what comes from outside goes through encodeURIComponent first
   * @throws {MulgilError} WORKER_UNAUTHENTICATED, WORKER_FORBIDDEN, WORKER_REFUSED, WORKER_SILENT, WORKER_UNREACHABLE
   */
  get<Answer>(address: string, path: string, options?: AskOptions): Promise<Answer>;
  /** The same for what changes something; `body` is sent as JSON. */
  post<Answer>(address: string, path: string, body: unknown, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  /** @default 2_000 */
  readonly timeoutMs?: number;
}

interface Question extends AskOptions {
  readonly address: string;
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly body?: unknown;
}

/** @throws {MulgilError} HTTP_TOKEN_FILE if there is a file and it cannot be read, or others can */
export async function workerClient(tokenFile: string | undefined = httpVariables.tokenFile): Promise<WorkerClient> {
  const token = tokenFile === undefined ? undefined : await tokenIn(tokenFile);
  const ask = <Answer>(question: Question) => askWorker(question, token) as Promise<Answer>;
  return {
    get: (address, path, options) => ask({ ...options, address, path, method: "GET" }),
    post: (address, path, body, options) => ask({ ...options, address, path, method: "POST", body }),
  };
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readOwnerOnly(file)).text.trim();
  } catch (error) {
    throw new MulgilError(
      `cannot use the token for workers (MULGIL_HTTP_TOKEN_FILE): ${messageOf(error)}; it is the token and nothing else, in a file that only you can read`,
      { code: "HTTP_TOKEN_FILE", cause: error },
    );
  }
}

async function askWorker(question: Question, token: string | undefined): Promise<unknown> {
  const response = await send(question, token);
  // It may not be a worker any more.
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && answer !== undefined) return answer;
  throw refusal(response.status, answer, question.address);
}

async function send({ address, path, method, body, timeoutMs = ANSWER_MAX_MS }: Question, token: string | undefined) {
  try {
    return await fetch(`${address}${path}`, {
      method,
      // What leads elsewhere must not take the token along.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError")
      throw new MulgilError(`no answer within ${timeoutMs / 1_000} s`, { code: "WORKER_SILENT", cause: error });
    // fetch wraps what happened to the connection.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new MulgilError(messageOf(cause), { code: "WORKER_UNREACHABLE", cause: error });
  }
}

function refusal(status: number, answer: unknown, address: string): MulgilError {
  const told = (answer as { readonly error?: { readonly message?: unknown } } | undefined)?.error?.message;
  const why = typeof told === "string" ? told : `it answered ${status}`;
  if (status === 401)
    return new MulgilError(
      `${address} does not let this in: ${why}; name a file with your token in MULGIL_HTTP_TOKEN_FILE`,
      {
        code: "WORKER_UNAUTHENTICATED",
      },
    );
  if (status === 403) return new MulgilError(`${address} does not allow this: ${why}`, { code: "WORKER_FORBIDDEN" });
  return new MulgilError(`${address}: ${why}`, { code: "WORKER_REFUSED" });
}
