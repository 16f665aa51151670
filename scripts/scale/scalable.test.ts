import { describe, expect, it } from "vitest";
import type { ControlReport } from "../../runtime/worker/control-records.ts";
import { scalablesOn, scaleText } from "./scalable.ts";

const report = (pid: number, job: string, change: Partial<ControlReport> = {}): ControlReport => ({
  ...{ job, pid, host: "here", process: `${change.host ?? "here"}:${pid}`, scaling: "members" },
  ...{ members: [{ worker: `${job}-0`, activity: "running" }], answers: [], atMs: 0 },
  ...change,
});
const supervised = { scaling: "processes", supervisor: 7 } as const;

const codeOf = (attempt: () => unknown) => {
  try {
    attempt();
    return undefined;
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    return `${code}: ${message}`;
  }
};

describe("scalablesOn", () => {
  it("finds the members that a process has of a job", () => {
    const found = scalablesOn("here", "one", [report(1, "one"), report(1, "two")]);
    expect(found).toEqual([{ pid: 1, unit: "members", jobs: ["one"], workers: 1 }]);
    expect(scaleText(found[0]!, 3)).toBe("one in process 1: 1 → 3 members");
  });

  it("finds the processes of a supervisor, and all jobs that they run", () => {
    const reports = [1, 2].flatMap((pid) => ["one", "two"].map((job) => report(pid, job, supervised)));
    const found = scalablesOn("here", "one", [...reports, report(1, "one", { ...supervised, host: "there" })]);
    expect(found).toEqual([{ pid: 7, unit: "processes", jobs: ["one", "two"], workers: 2 }]);
    expect(scaleText(found[0]!, 1)).toBe(
      "one, two under supervisor 7: 2 → 1 worker process, each of which runs all of these jobs",
    );
  });

  it("finds all that a machine runs, and passes over what nobody supervises beside it", () => {
    const reports = [report(1, "one", supervised), report(2, "two"), report(3, "three", { scaling: "none" })];
    expect(scalablesOn("here", undefined, reports).map(({ pid }) => pid)).toEqual([7, 2]);
  });

  it("says where the job runs if not here, and that a process has no supervisor", () => {
    const there = [report(1, "one", { host: "there" }), report(1, "one", { host: "away" })];
    expect(codeOf(() => scalablesOn("here", "one", there))).toBe(
      'SCALE_NOT_RUNNING: job "one" does not run on here: it runs on away, there: name one with --host',
    );
    expect(codeOf(() => scalablesOn("here", undefined, []))).toBe(
      "SCALE_NOT_RUNNING: no job runs on here: start it there with mulgil run",
    );
    expect(codeOf(() => scalablesOn("here", "one", [report(3, "one", { scaling: "none" })]))).toMatch(
      /^SCALE_UNSUPERVISED: process 3 is one worker under no supervisor/,
    );
  });
});
