import { describe, expect, it } from "vitest";
import type { JobOverview, TaskOverview } from "../../runtime/ops/job-overview.ts";
import type { WantedState } from "../../runtime/worker/control-records.ts";
import type { ProcessIdentity, TaskStatus } from "../../runtime/worker/member-status.ts";
import { restoreStatus } from "../../runtime/worker/restore-progress.ts";
import type { WorkerAnswer } from "./ask-workers.ts";
import { jobView } from "./job-view.ts";
import { statusText } from "./status-text.ts";

const process = (pid: number): ProcessIdentity => ({ host: "here", pid, address: `http://here:${pid}` });

const task = (id: number, memberId: string | undefined, lag = 0): TaskOverview => ({
  task: `events_${id}`,
  memberId,
  inputs: [{ topic: "events", partition: id, position: 5, endOffset: 5 + lag, lag }],
});

const overview = (change: Partial<JobOverview> = {}): JobOverview => ({
  ...{ job: "totals", version: 2, group: "settled" },
  members: [
    { memberId: "a", connectsFrom: "127.0.0.1", process: process(1) },
    { memberId: "b", connectsFrom: "127.0.0.1", process: process(2) },
  ],
  tasks: [task(0, "a", 3), task(1, "b", 4)],
  ...change,
});

/** The process of a member that runs these tasks. */
function answer(pid: number, memberId: string, tasks: readonly Partial<TaskStatus>[]): readonly [string, WorkerAnswer] {
  const running = tasks.map((each) => ({ task: "", status: "running" as const, restoring: undefined, ...each }));
  const members = [
    { job: "totals", worker: "totals-0", memberId, isAssigned: true, activity: "running" as const, tasks: running },
  ];
  return [process(pid).address, { answers: true, report: { process: process(pid), members } }];
}

const ANSWERS = new Map([answer(1, "a", [{ task: "events_0" }]), answer(2, "b", [{ task: "events_1" }])]);

describe("jobView", () => {
  it("joins what the log knows and what the workers say", () => {
    const view = jobView(overview(), ANSWERS);
    expect(view).toMatchObject({ job: "totals", version: 2, status: "running", lag: 7, restoring: undefined });
    expect(view.workers[0]).toEqual({
      ...{ memberId: "a", host: "here", pid: 1, address: "http://here:1", answers: true, problem: undefined },
    });
    expect(view.tasks.map(({ memberId, status, lag }) => [memberId, status, lag])).toEqual([
      ["a", "running", 3],
      ["b", "running", 4],
    ]);
  });

  it("shows owner and lag of a worker that does not answer, and that nothing else is known", () => {
    const view = jobView(overview(), new Map([...ANSWERS, ["http://here:2", { answers: false, problem: "silent" }]]));
    expect(view.status).toBe("unknown");
    expect(view.workers[1]).toMatchObject({ answers: false, problem: "silent", pid: 2 });
    expect(view.tasks[1]).toMatchObject({ memberId: "b", status: "unknown", lag: 4 });
  });

  it("shows how far restores are, and what has not been taken up", () => {
    const restoring = restoreStatus(250, 1_000, 1_000);
    const answers = new Map([
      answer(1, "a", [{ task: "events_0", status: "restoring", restoring }]),
      answer(2, "b", [{ task: "events_1", status: "starting" }]),
    ]);
    const view = jobView(overview({ tasks: [task(0, "a"), task(1, "b"), task(2, undefined), task(3, "b")] }), answers);
    expect(view).toMatchObject({ status: "restoring", restoring: { done: 250, percent: 25, timeLeftMs: 3_000 } });
    expect(view.tasks.map(({ status }) => status)).toEqual(["restoring", "starting", "starting", "starting"]);
  });

  it("tells a job that nobody runs from one whose workers divide the tasks", () => {
    const nobody = { members: [], tasks: [task(0, undefined, 9)] };
    expect(jobView(overview({ group: "empty", ...nobody }), new Map())).toMatchObject({
      ...{ status: "stopped", lag: 9, workers: [], tasks: [{ status: "stopped", lag: 9 }] },
    });
    const members = [{ memberId: "a", connectsFrom: "10.0.0.7", process: undefined }];
    expect(jobView(overview({ ...nobody, group: "rebalancing", members }), new Map())).toMatchObject({
      status: "rebalancing",
      workers: [{ host: "10.0.0.7", pid: undefined, answers: false, problem: "it has not said where" }],
    });
  });
});

describe("jobView of a job of which something is wanted", () => {
  const order = (status: WantedState["status"]): WantedState => ({
    ...{ status, id: "o", by: "ana@here", why: "moved", atMs: 0, drainTimeoutMs: 0 },
  });

  it("is paused or drained when its workers have obeyed, and not before", () => {
    expect(jobView(overview(), ANSWERS, order("paused"))).toMatchObject({
      ...{ status: "paused", wanted: { by: "ana@here", why: "moved" } },
      tasks: [{ status: "running" }, { status: "running" }],
    });
    const nobody = overview({ group: "empty", members: [], tasks: [task(0, undefined)] });
    expect(jobView(nobody, new Map(), order("drained")).status).toBe("drained");
    expect(jobView(nobody, new Map(), order("paused")).status).toBe("stopped");
    expect(jobView(overview(), ANSWERS, order("drained")).status).toBe("running");
    expect(jobView(overview({ group: "rebalancing" }), ANSWERS, order("paused")).status).toBe("rebalancing");
    expect(jobView(overview(), ANSWERS, order("running"))).toMatchObject({ status: "running", wanted: undefined });
  });

  it("says who wants it, since when and why", () => {
    expect(statusText([jobView(overview(), ANSWERS, order("paused"))])).toMatch(
      /^totals {2}version 2 {2}paused {2}2 workers {2}lag 7\nto be paused since 1970-01-01T00:00:00.000Z \(ana@here: moved\)\n/,
    );
  });
});

describe("statusText", () => {
  it("says everything to people", () => {
    const text = statusText([
      jobView(overview(), new Map([...ANSWERS, ["http://here:2", { answers: false, problem: "silent" }]])),
    ]);
    expect(text).toMatch(/^totals {2}version 2 {2}unknown {2}2 workers {2}lag 7\n/);
    expect(text).toMatch(/\n2 +here +2 +http:\/\/here:2 +no: silent +b\n/);
    expect(text).toMatch(/\nevents_1 +2 +unknown +events\/1 +5 +9 +4$/);
  });
});
