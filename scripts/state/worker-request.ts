import { hostname } from "node:os";
import type { ErrorAnswer } from "../../runtime/ops/http/http-error.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { isLoopback, isTimeout, reasonOf } from "../status/ask-workers.ts";

/** A page is read in milliseconds; a process that stands still takes the connection and never answers. */
const ANSWER_MAX_MS = 5_000;
/** Of a question that takes reading a whole store. */
export const LONG_ANSWER_MAX_MS = 30_000;

/** Nobody answers there, or not as a worker does. */
export class WorkerSilentError extends MulgilError {}

/**
 * Asks a worker over HTTP.
 * @throws {WorkerSilentError} STATE_WORKER_SILENT; it says why in few words
 * @throws {MulgilError} what the worker answers
 */
export async function workerRequest<T>(
  { address, host }: ProcessIdentity,
  path: string,
  request: { readonly method?: "GET" | "POST" | "DELETE"; readonly body?: unknown; readonly answerMaxMs?: number } = {},
): Promise<T> {
  if (host !== hostname() && isLoopback(address))
    throw silent(`it listens on ${host} for ${host} only: see run --listen`);
  const { method = "GET", body, answerMaxMs = ANSWER_MAX_MS } = request;
  const response = await fetch(`${address}${path}`, {
    method,
    signal: AbortSignal.timeout(answerMaxMs),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  }).catch((error: unknown) => {
    throw silent(isTimeout(error) ? `no answer within ${answerMaxMs / 1_000} s` : reasonOf(error), error);
  });
  if (response.status === 204) return undefined as T;
  const answer = (await response.json().catch(() => undefined)) as (T & Partial<ErrorAnswer>) | undefined;
  if (response.ok && answer !== undefined) return answer;
  if (answer?.error === undefined) throw silent("what answers there is no worker of this version");
  throw new MulgilError(answer.error.message, { code: answer.error.code });
}

/** "a=1&b=2" of what is not undefined. */
export function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}

export const storePath = (job: string, store: string): string =>
  `/jobs/${encodeURIComponent(job)}/stores/${encodeURIComponent(store)}`;

const silent = (message: string, cause?: unknown) =>
  new WorkerSilentError(message, { code: "STATE_WORKER_SILENT", cause });
