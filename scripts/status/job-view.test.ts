import { describe, expect, it } from "vitest";
import {
  factsOf,
  head,
  input,
  inputsOf,
  jobFacts,
  member,
  memberStatus,
  NOW_MS,
  task,
  taskStatus,
  turns,
  worker,
} from "../../runtime/ops/doctor/facts.fixture.ts";
import type { JobFacts } from "../../runtime/ops/doctor/facts.ts";
import type { Finding } from "../../runtime/ops/doctor/finding.ts";
import type { WantedState } from "../../runtime/worker/control-records.ts";
import { restoreStatus } from "../../runtime/worker/restore-progress.ts";
import { jobView } from "./job-view.ts";
import { statusText } from "./status-text.ts";

const members = [member("a", 1), member("b", 2)] as const;
const lagging = { tasks: [task(0, "a", 3), task(1, "b", 4)] };
const silent = worker(members[1], [], { status: undefined, problem: "silent" });

const view = (job: JobFacts, findings: readonly Finding[] = []) => jobView(job, factsOf([job]), findings);

const finding = (change: Partial<Finding>): Finding => ({
  ...{ check: "stuck", severity: "error", what: "it is held", where: { job: "totals" }, evidence: [] },
  ...{ ageMs: undefined, todo: "mend it" },
  ...change,
});

describe("jobView", () => {
  it("joins what the log knows and what the workers say", () => {
    const stores = [{ store: "totals", bytes: 1_500 }];
    const told = [
      worker(members[0], [taskStatus("events_0", 0, { stores })]),
      worker(members[1], [taskStatus("events_1", 1)], {
        status: memberStatus("b", [taskStatus("events_1", 1)], { copies: [{ task: "events_0", lag: 0 }] }),
      }),
    ];
    const found = view(jobFacts({ overviewChange: lagging, workers: told }));
    expect(found).toMatchObject({ job: "totals", version: 2, status: "running", lag: 7, restoring: undefined });
    expect(found).toMatchObject({ verdict: "ok", lagMs: 60_000, stateBytes: 1_500 });
    expect(found.workers[0]).toEqual({
      ...{ memberId: "a", host: "box", pid: 1, address: "http://box:1", answers: true, problem: undefined },
    });
    expect(found.tasks.map(({ memberId, status, lag }) => [memberId, status, lag])).toEqual([
      ["a", "running", 3],
      ["b", "running", 4],
    ]);
    expect(found.tasks[0]).toMatchObject({ stores, standbys: ["b"], lagMs: 60_000 });
  });

  it("says of each input whether it keeps up, and of the job the worst of it", () => {
    const commits = turns([7, 7, 7, 7, 7, 7, 7, 7, 7, 7], 4);
    const inputs = [{ topic: "events", partition: 1, position: 7, committed: 7, endOffset: 11, commits }];
    const workers = [
      worker(members[0], [taskStatus("events_0", 0)]),
      worker(members[1], [taskStatus("events_1", 1, { inputs })]),
    ];
    const found = view(jobFacts({ overviewChange: lagging, workers }));
    expect(found.tasks.map(({ verdict }) => verdict)).toEqual(["ok", "stalled"]);
    expect(found.verdict).toBe("stalled");
  });

  it("shows owner and lag of a worker that does not answer, and that nothing else is known", () => {
    const found = view(
      jobFacts({ overviewChange: lagging, workers: [worker(members[0], [taskStatus("events_0", 0)]), silent] }),
    );
    expect(found.status).toBe("unknown");
    expect(found.workers[1]).toMatchObject({ answers: false, problem: "silent", pid: 2 });
    expect(found.tasks[1]).toMatchObject({ memberId: "b", status: "unknown", verdict: "unknown", lag: 4 });
  });

  it("shows how far restores are, and what has not been taken up", () => {
    const restoring = restoreStatus(250, 1_000, 1_000);
    const workers = [
      worker(members[0], [taskStatus("events_0", 0, { status: "restoring", restoring })]),
      worker(members[1], [taskStatus("events_1", 1, { status: "starting" })]),
    ];
    const tasks = [task(0, "a"), task(1, "b"), task(2, undefined), task(3, "b")];
    const found = view(jobFacts({ overviewChange: { tasks }, workers }));
    expect(found).toMatchObject({ status: "restoring", restoring: { done: 250, percent: 25, timeLeftMs: 3_000 } });
    expect(found.tasks.map(({ status }) => status)).toEqual(["restoring", "starting", "starting", "starting"]);
  });

  it("tells a job that nobody runs from one whose workers divide the tasks, and from one that is paused", () => {
    const tasks = [task(0, undefined, 9)];
    expect(view(jobFacts({ overviewChange: { group: "empty", members: [], tasks }, workers: [] }))).toMatchObject({
      ...{ status: "stopped", lag: 9, workers: [], tasks: [{ status: "stopped", verdict: "stopped", lag: 9 }] },
    });
    const stranger = member("a", 1, { connectsFrom: "10.0.0.7", process: undefined });
    const workers = [worker(stranger, [], { status: undefined, problem: "it has not said where" })];
    expect(
      view(jobFacts({ overviewChange: { group: "rebalancing", members: [stranger], tasks }, workers })),
    ).toMatchObject({
      status: "rebalancing",
      workers: [{ host: "10.0.0.7", pid: undefined, answers: false, problem: "it has not said where" }],
    });
  });

  it("is paused or drained when its workers have obeyed, and not before", () => {
    const order = (status: WantedState["status"]): WantedState => ({
      ...{ status, id: "o", by: "ana@here", why: "moved", atMs: 0, drainTimeoutMs: 0 },
    });
    const paused = { wanted: order("paused"), isPaused: true };
    expect(view(jobFacts({ overviewChange: lagging, ...paused }))).toMatchObject({
      ...{ status: "paused", verdict: "paused", wanted: { by: "ana@here", why: "moved" } },
      tasks: [{ status: "running" }, { status: "running" }],
    });
    const nobody = { overviewChange: { group: "empty" as const, members: [] }, workers: [] };
    expect(view(jobFacts({ ...nobody, wanted: order("drained") })).status).toBe("drained");
    expect(view(jobFacts({ ...nobody, ...paused })).status).toBe("stopped");
    expect(view(jobFacts({ overviewChange: lagging, wanted: order("drained") })).status).toBe("running");
    expect(view(jobFacts({ wanted: order("running") })).wanted).toBeUndefined();
    expect(statusText([view(jobFacts({ overviewChange: lagging, ...paused }))])).toMatch(
      /^totals {2}version 2 {2}paused .*\nto be paused since 1970-01-01T00:00:00.000Z \(ana@here: moved\)\n/,
    );
  });

  it("has what is wrong with it and with what all jobs run on, and nothing of other jobs", () => {
    const [own, all, other] = [finding({}), finding({ where: {} }), finding({ where: { job: "another" } })];
    expect(view(jobFacts(), [own, all, other]).findings).toEqual([own, all]);
  });
});

describe("statusText", () => {
  it("says everything to people", () => {
    const job = jobFacts({
      overviewChange: lagging,
      workers: [worker(members[0], [taskStatus("events_0", 0)]), silent],
      inputs: inputsOf([input(0, 3), input(1, 4, { head: head({ timestampMs: NOW_MS - 120_000 }) })]),
    });
    const warning = finding({ severity: "warning", check: "replication", what: "one copy" });
    const text = statusText([view(job, [finding({}), warning])]);
    expect(text).toMatch(/^totals {2}version 2 {2}unknown {2}2 workers {2}lag 7 \(2m\) {2}unknown\n/);
    expect(text).toMatch(/\n2 +box +2 +http:\/\/box:2 +no: silent +b\n/);
    expect(text).toMatch(/\nevents_1 +2 +unknown +events\/1 +5 +9 +4 +2m +unknown +- +-\n/);
    expect(text).toMatch(/\n\nerror: it is held\nmulgil doctor says more, and what to do$/);
  });
});
