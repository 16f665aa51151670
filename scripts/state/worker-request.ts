import { hostname } from "node:os";
import { ownerTokenFile } from "../../runtime/ops/http/access/owner-token.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { LogLocation } from "../environment/open-log.ts";
import { httpVariables } from "../environment/variables.ts";
import { type WorkerClient, workerClient } from "../http/worker-client.ts";
import { isLoopback } from "../status/ask-workers.ts";

/** A page is read in milliseconds; a process that stands still takes the connection and never answers. */
const ANSWER_MAX_MS = 5_000;
/** Of a question that takes reading a whole store. */
export const LONG_ANSWER_MAX_MS = 30_000;

/**
 * Asks a worker over HTTP; with a body, for something to be done.
 * @throws {MulgilError} WORKER_… with what the worker answers, or why it does not
 */
export type AskWorker = <T>(
  process: ProcessIdentity,
  path: string,
  options?: { readonly body?: unknown; readonly answerMaxMs?: number },
) => Promise<T>;

/** As whoever's token is named; else as the owner of the data directory, where the worker runs in it. */
export function askingWorkers({ dataDir }: Pick<LogLocation, "dataDir">): AskWorker {
  const clients = new Map<string, Promise<WorkerClient>>();
  return async ({ address, host }, path, { body, answerMaxMs: timeoutMs = ANSWER_MAX_MS } = {}) => {
    if (host !== hostname() && isLoopback(address))
      throw new MulgilError(`it listens on ${host} for ${host} only: see run --listen`, { code: "WORKER_UNREACHABLE" });
    const client = clients.get(address) ?? clientFor(dataDir, address);
    clients.set(address, client);
    const { get, post } = await client;
    return body === undefined
      ? await get(address, path, { timeoutMs })
      : await post(address, path, body, { timeoutMs });
  };
}

async function clientFor(dataDir: string, address: string): Promise<WorkerClient> {
  if (httpVariables.tokenFile !== undefined) return await workerClient();
  return await workerClient(await ownerTokenFile(dataDir, address));
}

/** "?a=1&b=2" of what is not undefined. */
export function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}

export const storePath = (job: string, store: string): string =>
  `/jobs/${encodeURIComponent(job)}/stores/${encodeURIComponent(store)}`;
