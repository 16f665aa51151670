import type { MemberStatus } from "../../worker/member-status.ts";

/** Why a process is not ready; undefined if it is: all its members have their tasks, and all of these are restored and run. Whoever was ordered away is ready. */
export function unreadyReason(members: readonly MemberStatus[] | undefined): string | undefined {
  if (members === undefined || members.length === 0) return "the jobs are starting";
  const there = members.filter(({ activity }) => activity !== "drained");
  const waiting = there.find(({ isAssigned }) => !isAssigned);
  if (waiting !== undefined) return `${waiting.worker} waits for its group to give it tasks`;
  for (const { job, tasks } of there) {
    const task = tasks.find(({ status }) => status !== "running");
    if (task !== undefined) return `task ${task.task} of ${job} is ${task.status}`;
  }
  return undefined;
}
