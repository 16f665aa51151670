import { hostname } from "node:os";
import type { ProcessReport } from "../../runtime/ops/worker-server.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { type WorkerClient, workerClient } from "../http/worker-client.ts";
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

/** Asks each process once, all at the same time. By address. */
export async function askWorkers(
  processes: readonly ProcessIdentity[],
  client?: WorkerClient,
): Promise<ReadonlyMap<string, WorkerAnswer>> {
  const distinct = new Map(processes.map((each) => [each.address, each]));
  const asking = client ?? (await workerClient());
  return new Map(
    await Promise.all([...distinct].map(async ([address, each]) => [address, await askWorker(each, asking)] as const)),
  );
}

async function askWorker(asked: ProcessIdentity, client: WorkerClient): Promise<WorkerAnswer> {
  const { address, host, pid } = asked;
  if (host !== hostname() && isLoopback(address))
    return { answers: false, problem: `it listens on ${host} for ${host} only: see run --listen` };
  const askedAtMs = systemClock.now();
  try {
    const report = await client.get<ProcessReport>(address, "/status");
    // Its port may be another program's by now.
    if (report.process?.host !== host || report.process.pid !== pid) return { answers: false, problem: "it is gone" };
    return { answers: true, report, askedAtMs, answeredAtMs: systemClock.now() };
  } catch (error) {
    return { answers: false, problem: messageOf(error) };
  }
}

export const isLoopback = (address: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(URL.parse(address)?.hostname ?? "");
