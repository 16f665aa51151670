import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { JobStatus } from "../../runtime/index.ts";
import { ManualClock } from "../../runtime/testing/manual-clock.ts";
import type { OrderAnswer } from "../../runtime/worker/control-records.ts";
import { restoreStatus } from "../../runtime/worker/restore-progress.ts";
import { Supervisor } from "./supervisor.ts";
import type { WorkerMessage } from "./worker-messages.ts";
import type { ProcessEnd } from "./worker-process.ts";

const status = (recordsIn: number, change: Partial<JobStatus> = {}): JobStatus => ({
  ...{
    job: "totals",
    recordsIn,
    recordsOut: 0,
    late: 0,
    deadLetters: 0,
    effectsSkipped: 0,
    commits: 0,
    tasks: 2,
    lag: 0,
  },
  ...{ gaps: 0, skipped: 0, standbys: 0 },
  restoring: undefined,
  ...change,
});

/** A process that does what the test says. */
class FakeProcess {
  readonly worker: string;
  readonly tell: (message: WorkerMessage) => void;
  readonly orders: string[] = [];
  readonly #end = Promise.withResolvers<ProcessEnd>();

  constructor(worker: string, tell: (message: WorkerMessage) => void) {
    this.worker = worker;
    this.tell = tell;
  }

  async end(code: number | null, signal: NodeJS.Signals | null = null): Promise<void> {
    this.#end.resolve({ code, signal });
    await settled();
  }

  get process() {
    return {
      pid: 1,
      stop: () => void this.orders.push("stop"),
      kill: () => void this.orders.push("kill"),
      answer: ({ id, outcome, detail }: OrderAnswer) =>
        void this.orders.push(detail === undefined ? `${id} ${outcome}` : `${id} ${outcome}: ${detail}`),
      ended: this.#end.promise,
    };
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await turn();
}

function supervise({ workers = 2, untilIdle = false } = {}) {
  const clock = new ManualClock();
  const processes: FakeProcess[] = [];
  const notes: string[] = [];
  const supervisor = new Supervisor({
    ...{ workers, untilIdle, clock, drainTimeoutMs: 30_000 },
    startWorker(worker, hear) {
      const fake = new FakeProcess(worker, hear);
      processes.push(fake);
      return fake.process;
    },
    onEvent: () => undefined,
    onNote: (note) => void notes.push(note),
  });
  let outcome = "running";
  supervisor.finished.then(
    () => {
      outcome = "done";
    },
    (error: { readonly code: string }) => {
      outcome = error.code;
    },
  );
  return {
    supervisor,
    processes,
    notes,
    outcome: () => outcome,
    started: () => processes.map(({ worker }) => worker).join(" "),
    async advance(ms: number) {
      clock.advance(ms);
      await settled();
    },
    /** Brings all workers up. */
    async run() {
      for (let at = 0; at < workers; at++) {
        processes[at]!.tell({ kind: "started" });
        await settled();
      }
    },
  };
}

describe("Supervisor", () => {
  it("starts the first worker alone, and the others when that has started", async () => {
    const { processes, started } = supervise({ workers: 3 });
    await settled();
    expect(started()).toBe("1");
    processes[0]!.tell({ kind: "started" });
    await settled();
    expect(started()).toBe("1 2 3");
  });

  it("starts a worker that died again, later each time, and says so", async () => {
    const { run, processes, started, notes, advance } = supervise();
    await run();
    await processes[1]!.end(null, "SIGKILL");
    expect(started()).toBe("1 2");
    expect(notes).toEqual(["worker 2 was ended by SIGKILL; it starts again in 1 s"]);
    await advance(999);
    expect(started()).toBe("1 2");
    await advance(1);
    expect(started()).toBe("1 2 2");
    await processes[2]!.end(134);
    expect(notes.at(-1)).toBe("worker 2 ended with exit code 134; it starts again in 2 s");
    await advance(2_000);
    expect(started()).toBe("1 2 2 2");
    await advance(60_000);
    await processes[3]!.end(0);
    expect(notes.at(-1)).toBe("worker 2 ended with exit code 0; it starts again in 1 s");
  });

  it("starts the first worker again also before it has started, and the others wait", async () => {
    const { processes, started, advance } = supervise();
    await processes[0]!.end(null, "SIGSEGV");
    await advance(1_000);
    expect(started()).toBe("1 1");
    processes[1]!.tell({ kind: "started" });
    await settled();
    expect(started()).toBe("1 1 2");
  });

  it("ends the run with the error of a worker, once, after the others have drained", async () => {
    const { run, processes, outcome } = supervise();
    await run();
    const failed = (code: string): WorkerMessage => ({ kind: "failed", problem: { code, message: "no" }, details: "" });
    processes[1]!.tell(failed("TOPIC_MISSING"));
    processes[0]!.tell(failed("ANOTHER"));
    expect(processes[0]!.orders).toEqual(["stop"]);
    await processes[1]!.end(1);
    expect(outcome()).toBe("running");
    await processes[0]!.end(0);
    expect(outcome()).toBe("TOPIC_MISSING");
  });

  it("ends with the error of the first worker before the others have been started", async () => {
    const { processes, outcome, started } = supervise();
    processes[0]!.tell({ kind: "failed", problem: { code: "JOB_FILE_MISSING", message: "no" }, details: "" });
    await processes[0]!.end(1);
    expect([outcome(), started()]).toEqual(["JOB_FILE_MISSING", "1"]);
  });

  it("tries again where another process is still leaving the folder of a worker", async () => {
    const { processes, outcome, started, advance, notes } = supervise();
    const problem = { code: "DATA_DIR_LOCKED", message: "in use by process 7" };
    processes[0]!.tell({ kind: "failed", problem, details: "" });
    await processes[0]!.end(1);
    await advance(1_000);
    expect([outcome(), started()]).toEqual(["running", "1 1"]);
    expect(notes[0]).toBe("in use by process 7");
  });

  describe.each(["REGISTRY_UNREACHABLE", "REGISTRY_NOT_AUTHORIZED", "LOG_UNREACHABLE"])("with %s", (code) => {
    const failed = { kind: "failed", problem: { code, message: "could not reach it" }, details: "" } as const;

    it("lets the others go on when a worker cannot start again", async () => {
      const { run, processes, outcome, started, advance, notes } = supervise();
      await run();
      await processes[1]!.end(null, "SIGKILL");
      await advance(1_000);
      processes[2]!.tell(failed);
      await processes[2]!.end(1);
      expect(notes.slice(-2)).toEqual([
        "could not reach it",
        "worker 2 ended with exit code 1; it starts again in 2 s",
      ]);
      expect(processes[0]!.orders).toEqual([]);
      await advance(2_000);
      expect([outcome(), started()]).toEqual(["running", "1 2 2 2"]);
    });

    it("ends at once at the start", async () => {
      const { processes, outcome } = supervise();
      processes[0]!.tell(failed);
      await processes[0]!.end(1);
      expect(outcome()).toBe(code);
    });
  });

  it("stops all workers when all are idle, and waits for those that have died meanwhile", async () => {
    const { run, processes, outcome, advance } = supervise({ untilIdle: true });
    await run();
    processes[0]!.tell({ kind: "idle" });
    await processes[0]!.end(null, "SIGKILL");
    processes[1]!.tell({ kind: "idle" });
    expect(processes[1]!.orders).toEqual([]);
    await advance(1_000);
    processes[2]!.tell({ kind: "idle" });
    expect([processes[1]!.orders, processes[2]!.orders]).toEqual([["stop"], ["stop"]]);
    await processes[1]!.end(0);
    await processes[2]!.end(0);
    expect(outcome()).toBe("done");
  });

  it("ends while a worker waits to be started again, and starts none any more", async () => {
    const { run, supervisor, processes, outcome, started } = supervise();
    await run();
    await processes[1]!.end(null, "SIGKILL");
    supervisor.stop();
    await processes[0]!.end(0);
    expect([outcome(), started()]).toEqual(["done", "1 2"]);
  });

  it("says that a worker died before it had drained", async () => {
    const { run, supervisor, processes, outcome } = supervise();
    await run();
    supervisor.stop();
    await processes[0]!.end(0);
    await processes[1]!.end(null, "SIGKILL");
    expect(outcome()).toBe("DRAIN_TIMEOUT");
  });

  it("kills those that are long past their drain time-out", async () => {
    const { run, supervisor, processes, outcome, advance } = supervise();
    await run();
    supervisor.stop();
    await processes[0]!.end(0);
    await advance(30_000);
    expect(processes[1]!.orders).toEqual(["stop"]);
    await advance(5_000);
    expect(processes[1]!.orders).toEqual(["stop", "kill"]);
    await processes[1]!.end(null, "SIGKILL");
    expect(outcome()).toBe("DRAIN_TIMEOUT");
  });

  it("adds up what the workers did, those before a death included, and takes the newest lag", async () => {
    const { run, supervisor, processes, advance } = supervise();
    await run();
    processes[0]!.tell({ kind: "status", statuses: [status(10, { lag: 99, restoring: restoreStatus(1, 5, 1_000) })] });
    processes[1]!.tell({ kind: "status", statuses: [status(5, { lag: 7, restoring: restoreStatus(2, 4, 1_000) })] });
    expect(supervisor.totals).toEqual([
      status(15, { tasks: 4, lag: 7, restoring: { done: 3, total: 9, recordsPerSecond: 3, timeLeftMs: 4_000 } }),
    ]);
    await processes[0]!.end(null, "SIGKILL");
    expect(supervisor.standings.map(({ pid }) => pid)).toEqual([undefined, 1]);
    await advance(1_000);
    processes[2]!.tell({ kind: "status", statuses: [status(3, { lag: 1 })] });
    expect(supervisor.totals).toEqual([status(18, { tasks: 4, lag: 1, restoring: restoreStatus(2, 4, 1_000) })]);
    expect(supervisor.standings[0]!.statuses).toEqual([status(13, { lag: 1 })]);
  });
});

describe("a supervisor whose number of workers is changed", () => {
  const order = (id: string, workers: number) => ({
    ...{ id, workers, job: undefined, by: "ana@here", why: "load" },
    ...{ atMs: 0, drainTimeoutMs: 1_000 },
  });

  it("starts more, and says so to all when they are up", async () => {
    const { supervisor, processes, run, started, notes } = supervise({ workers: 1 });
    await run();
    processes[0]!.tell({ kind: "scale", order: order("a", 3) });
    await settled();
    expect(started()).toBe("1 2 3");
    expect(processes[0]!.orders).toEqual([]);
    processes[1]!.tell({ kind: "started" });
    processes[2]!.tell({ kind: "started" });
    await settled();
    expect(processes.map(({ orders }) => orders)).toEqual([["a done"], ["a done"], ["a done"]]);
    expect(notes).toEqual(["1 → 3 workers (ana@here: load)"]);
    supervisor.stop();
  });

  it("hears an order once, whoever tells of it", async () => {
    const { processes, run, started } = supervise({ workers: 2 });
    await run();
    for (const process of processes.slice()) process.tell({ kind: "scale", order: order("a", 3) });
    await settled();
    expect(started()).toBe("1 2 3");
  });

  it("answers whoever tells of an order when it is long done", async () => {
    const { processes, run } = supervise({ workers: 3 });
    await run();
    processes[0]!.tell({ kind: "scale", order: order("a", 2) });
    await settled();
    processes[0]!.tell({ kind: "scale", order: order("a", 2) });
    expect(processes[0]!.orders).toEqual([]);
    await processes[2]!.end(0);
    expect(processes.slice(0, 2).map(({ orders }) => orders)).toEqual([["a done"], ["a done"]]);
    processes[1]!.tell({ kind: "scale", order: order("a", 2) });
    expect(processes.slice(0, 2).map(({ orders }) => orders)).toEqual([["a done"], ["a done", "a done"]]);
  });

  it("does not wait for new ones that cannot start for now, so that the next order is heard", async () => {
    const { processes, run, notes, started, advance } = supervise({ workers: 1 });
    await run();
    processes[0]!.tell({ kind: "scale", order: order("a", 2) });
    await settled();
    processes[1]!.tell({ kind: "failed", problem: { code: "LOG_UNREACHABLE", message: "no broker" }, details: "" });
    await processes[1]!.end(1);
    expect(processes[0]!.orders).toEqual(["a done: 1 of the new workers could not start yet, and are tried again"]);
    processes[0]!.tell({ kind: "scale", order: order("b", 1) });
    await settled();
    expect(processes[0]!.orders.slice(1)).toEqual(["b done"]);
    expect(notes.at(-1)).toBe("2 → 1 workers (ana@here: load)");
    await advance(60_000);
    expect(started()).toBe("1 2");
  });

  it("drains the last ones, forgets nothing that they have counted, and does not start them again", async () => {
    const { supervisor, processes, run, started, advance, outcome } = supervise({ workers: 3 });
    await run();
    processes[2]!.tell({ kind: "status", statuses: [status(7)] });
    processes[0]!.tell({ kind: "scale", order: order("a", 1) });
    await settled();
    expect(processes.map(({ orders }) => orders)).toEqual([[], ["stop"], ["stop"]]);
    await processes[1]!.end(0);
    await processes[2]!.end(0);
    expect(processes[0]!.orders).toEqual(["a done"]);
    await advance(60_000);
    expect([started(), outcome()]).toEqual(["1 2 3", "running"]);
    expect(supervisor.standings.map(({ worker }) => worker)).toEqual(["1"]);
    expect(supervisor.totals).toMatchObject([{ recordsIn: 7 }]);
    processes[0]!.tell({ kind: "scale", order: order("b", 2) });
    await settled();
    expect(started()).toBe("1 2 3 2");
  });

  it("kills one that does not end, and says what that means", async () => {
    const { processes, run, advance } = supervise({ workers: 2 });
    await run();
    processes[0]!.tell({ kind: "scale", order: order("a", 1) });
    await settled();
    await advance(5_999);
    expect(processes[1]!.orders).toEqual(["stop"]);
    await advance(1);
    expect(processes[1]!.orders).toEqual(["stop", "kill"]);
    await processes[1]!.end(null, "SIGKILL");
    expect(processes[0]!.orders).toEqual([expect.stringMatching(/^a done: 1 of the workers ended before/)]);
  });

  it("lets one go that waits to be started again", async () => {
    const { supervisor, processes, run, started, advance } = supervise({ workers: 2 });
    await run();
    await processes[1]!.end(1);
    processes[0]!.tell({ kind: "scale", order: order("a", 1) });
    await settled();
    expect(processes[0]!.orders).toEqual(["a done"]);
    await advance(60_000);
    expect(started()).toBe("1 2");
    expect(supervisor.standings).toHaveLength(1);
  });

  it("ends when it is stopped while others come and go", async () => {
    const { supervisor, processes, run, outcome } = supervise({ workers: 2 });
    await run();
    processes[0]!.tell({ kind: "scale", order: order("a", 1) });
    await settled();
    processes[0]!.tell({ kind: "scale", order: order("b", 3) });
    supervisor.stop();
    await processes[0]!.end(0);
    await processes[1]!.end(0);
    await settled();
    expect(outcome()).toBe("done");
  });
});
