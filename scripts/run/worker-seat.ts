import path from "node:path";
import type { JobsRun, ListenAddress } from "../../runtime/index.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { OrderAnswer } from "../../runtime/worker/control-records.ts";
import type { SupervisorLink } from "../../runtime/worker/job-control.ts";
import { variables } from "../environment/variables.ts";
import { problemDetails, problemOf } from "../output/problem.ts";
import { told } from "./log-line.ts";
import { ParentChannel } from "./parent-channel.ts";
import type { RunReport } from "./run-report.ts";
import type { WorkerOrder } from "./worker-messages.ts";

/** The place of a process that another one has started to be one worker of its run. */
export interface WorkerSeat {
  /** The worker's own: a process that comes back finds its state. */
  dataDirIn(dataDir: string): string;
  /** The next port for each worker; port 0 is a free one for all. */
  listenAt(first: ListenAddress): ListenAddress;
  /** Everything goes to the process that shows it. */
  readonly report: RunReport;
  /** Resolves when the run is to end, or nobody is there any more that could say so. */
  readonly requested: Promise<void>;
  /** Who says how many workers there are. */
  readonly supervisor: SupervisorLink;
  idle(): void;
  /** @returns whether it could be told */
  failed(error: unknown): Promise<boolean>;
  /** Resolves when all that was told is on its way. */
  close(): Promise<void>;
}

/** No slower than that, however seldom progress is shown: what a worker has counted since is lost when it is killed. */
const STATUS_EVERY_MAX_MS = 500;

/** Undefined unless a run has started this process as one of its workers. */
export function workerSeat(options: { readonly progressEveryMs: number }): WorkerSeat | undefined {
  const { worker } = variables;
  if (worker === undefined || process.send === undefined) return undefined;
  const parent = new ParentChannel();
  const report = reportTo(parent, Math.min(options.progressEveryMs, STATUS_EVERY_MAX_MS));
  return {
    dataDirIn: (dataDir) => path.join(dataDir, "workers", worker),
    listenAt: ({ host, port }) => ({ host, port: port === 0 ? 0 : port + Number(worker) - 1 }),
    report,
    requested: stopRequest(),
    supervisor: supervisorLink(parent),
    idle: () => void parent.tell({ kind: "idle" }),
    failed: (error) => parent.tell({ kind: "failed", problem: problemOf(error), details: problemDetails(error) }),
    async close() {
      report.close();
      await parent.flush();
    },
  };
}

/**
 * Ends on the order of the parent, and by itself when that is gone: SIGKILL leaves a parent no time to say so. A terminal sends its SIGINT to the
 * whole process group, so the parent's order follows; a SIGTERM can be meant for this process alone, and no second one ends it at once.
 */
function stopRequest(): Promise<void> {
  process.on("SIGINT", () => undefined);
  return new Promise((resolve) => {
    process.on("message", (order) => {
      if ((order as WorkerOrder).kind === "stop") resolve();
    });
    process.on("disconnect", resolve);
    process.on("SIGTERM", () => resolve());
    if (!process.connected) resolve();
  });
}

/** Orders that come over the log go to the parent, which answers when it has carried them out. */
function supervisorLink(parent: ParentChannel): SupervisorLink {
  // Several jobs of the process hear of one order.
  const waiting = new Map<string, PromiseWithResolvers<OrderAnswer>>();
  process.on("message", (told) => {
    const order = told as WorkerOrder;
    if (order.kind !== "scaled") return;
    waiting.get(order.answer.id)?.resolve(order.answer);
    waiting.delete(order.answer.id);
  });
  return {
    pid: process.ppid,
    scale(order) {
      const known = waiting.get(order.id);
      if (known !== undefined) return known.promise;
      const asked = Promise.withResolvers<OrderAnswer>();
      waiting.set(order.id, asked);
      void parent.tell({ kind: "scale", order });
      return asked.promise;
    },
  };
}

function reportTo(parent: ParentChannel, everyMs: number): RunReport {
  const over = new AbortController();
  const watch = async (run: Pick<JobsRun, "status">) => {
    while (!over.signal.aborted) {
      await systemClock.sleep(everyMs, over.signal);
      // A parent that does not read is sent no more until it does.
      if (!over.signal.aborted) await parent.tell({ kind: "status", statuses: await run.status() });
    }
  };
  return {
    event: (event) =>
      void parent.tell({
        kind: "event",
        event: "error" in event ? { ...event, error: told(event.error) } : event,
      }),
    follow(run) {
      void parent.tell({ kind: "started" });
      // A run that ends while we look at it cannot answer any more; how it ended is told elsewhere.
      watch(run).catch(() => undefined);
    },
    note: () => undefined,
    summary(statuses) {
      over.abort();
      void parent.tell({ kind: "status", statuses });
    },
    close: () => over.abort(),
  };
}
