import { hostname } from "node:os";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { workerClient } from "../http/worker-client.ts";
import { isLoopback } from "../status/ask-workers.ts";

/** A page is read in milliseconds; a process that stands still takes the connection and never answers. */
const ANSWER_MAX_MS = 5_000;
/** Of a question that takes reading a whole store. */
export const LONG_ANSWER_MAX_MS = 30_000;

/**
 * Asks a worker over HTTP; with a body, for something to be done.
 * @throws {MulgilError} WORKER_… with what the worker answers, or why it does not
 */
export async function workerRequest<T>(
  { address, host }: ProcessIdentity,
  path: string,
  { body, answerMaxMs: timeoutMs = ANSWER_MAX_MS }: { readonly body?: unknown; readonly answerMaxMs?: number } = {},
): Promise<T> {
  if (host !== hostname() && isLoopback(address))
    throw new MulgilError(`it listens on ${host} for ${host} only: see run --listen`, { code: "WORKER_UNREACHABLE" });
  const { get, post } = await workerClient();
  return body === undefined
    ? await get<T>(address, path, { timeoutMs })
    : await post<T>(address, path, body, { timeoutMs });
}

/** "?a=1&b=2" of what is not undefined. */
export function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}

export const storePath = (job: string, store: string): string =>
  `/jobs/${encodeURIComponent(job)}/stores/${encodeURIComponent(store)}`;
