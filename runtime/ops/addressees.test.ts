import { describe, expect, it } from "vitest";
import type { ControlReport, ReportedMember } from "../worker/control-records.ts";
import { addresseesOf, forgottenReports } from "./addressees.ts";
import type { MemberOverview } from "./job-overview.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 10 * DAY_MS;

const member = (memberId: string): MemberOverview => ({
  memberId,
  connectsFrom: "10.0.0.1",
  process: undefined,
  plan: undefined,
});
const running = (memberId: string): ReportedMember => ({ worker: "w", memberId, activity: "running" });
const drained: ReportedMember = { worker: "w", activity: "drained" };
const report = (pid: number, members: readonly ReportedMember[], ageMs = 0): ControlReport => ({
  ...{ job: "totals", process: `here:${pid}`, host: "here", pid, scaling: "none", members, answers: [] },
  atMs: NOW_MS - ageMs,
});

const names = (members: readonly MemberOverview[], reports: readonly ControlReport[]) =>
  addresseesOf("totals", members, reports, NOW_MS).map(({ process, memberIds }) => [process, ...memberIds]);

describe("who is to carry out an order", () => {
  it("is whoever has members in the group, however long ago it has said so", () => {
    expect(names([member("a"), member("b")], [report(1, [running("a"), running("b")], 5 * DAY_MS)])).toEqual([
      ["here:1", "a", "b"],
    ]);
  });

  it("is whoever has said lately that its members are drained", () => {
    expect(names([], [report(1, [drained], 20_000)])).toEqual([["here:1"]]);
  });

  it("is nobody who was killed: its members are in the group no more, or it is silent", () => {
    expect(
      names([member("a")], [report(1, [running("gone")]), report(2, [drained], 60_000), report(3, [running("a")])]),
    ).toEqual([["here:3", "a"]]);
  });

  it("is a member that has said nothing, too", () => {
    expect(names([member("a"), member("b")], [report(1, [running("a")])])).toEqual([
      ["here:1", "a"],
      [undefined, "b"],
    ]);
  });

  it("is nobody of another job", () => {
    expect(names([], [{ ...report(1, [drained]), job: "other" }])).toEqual([]);
  });
});

describe("reports that may go", () => {
  it("are a day old, of processes that are not there", () => {
    const reports = [
      report(1, [running("a")], 2 * DAY_MS),
      report(2, [running("gone")], 2 * DAY_MS),
      report(3, [running("gone")], 1_000),
      report(4, [drained], 2 * DAY_MS),
    ];
    const pids = forgottenReports("totals", [member("a")], reports, NOW_MS).map(({ pid }) => pid);
    expect(pids).toEqual([2, 4]);
  });
});
