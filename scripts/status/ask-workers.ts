import { hostname } from "node:os";
import type { ProcessReport } from "../../runtime/ops/worker-server.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { messageOf } from "../output/problem.ts";

/** What a process has said of itself, or why it has not. */
export type WorkerAnswer =
  | {
      readonly answers: true;
      readonly report: ProcessReport;
      /** Our clock, before and after. */
      readonly askedAtMs?: number;
      readonly answeredAtMs?: number;
    }
  | { readonly answers: false; readonly problem: string };

/** A process that stands still takes the connection and never answers. */
const ANSWER_MAX_MS = 2_000;

/** Asks each process once, all at the same time. By address. */
export async function askWorkers(processes: readonly ProcessIdentity[]): Promise<ReadonlyMap<string, WorkerAnswer>> {
  const distinct = new Map(processes.map((each) => [each.address, each]));
  return new Map(
    await Promise.all([...distinct].map(async ([address, each]) => [address, await askWorker(each)] as const)),
  );
}

async function askWorker(asked: ProcessIdentity): Promise<WorkerAnswer> {
  const { address, host, pid } = asked;
  if (host !== hostname() && isLoopback(address))
    return { answers: false, problem: `it listens on ${host} for ${host} only: see run --listen` };
  const askedAtMs = systemClock.now();
  try {
    const response = await fetch(`${address}/status`, { signal: AbortSignal.timeout(ANSWER_MAX_MS) });
    const report = (await response.json()) as ProcessReport;
    // Its port may be another program's by now.
    if (report.process?.host !== host || report.process.pid !== pid) return { answers: false, problem: "it is gone" };
    return { answers: true, report, askedAtMs, answeredAtMs: systemClock.now() };
  } catch (error) {
    return {
      answers: false,
      problem: isTimeout(error) ? `no answer within ${ANSWER_MAX_MS / 1_000} s` : reasonOf(error),
    };
  }
}

const isLoopback = (address: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(URL.parse(address)?.hostname ?? "");

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === "TimeoutError";

/** fetch wraps what happened to the connection. */
const reasonOf = (error: unknown): string =>
  messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
