import { windowMs } from "../../../worker/commit-window.ts";
import type { TaskStatus, WorkStatus } from "../../../worker/member-status.ts";
import type { Facts, JobFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { statusOf } from "../input-verdicts.ts";
import { age, counted, recordText, waits, workerText } from "../words.ts";

/** Functions, calls and commits that hold a partition. What takes longer than a whole window of commits holds it; before, it is only slow. */
export function checkStuck({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap((job) =>
    job.overview.tasks.flatMap((task) => {
      const status = statusOf(job, task);
      return status === undefined ? [] : [...held(job, status, nowMs), ...slowCall(job, status, nowMs)];
    }),
  );
}

function held(job: JobFacts, { task, work }: TaskStatus, nowMs: number): readonly Finding[] {
  // What the registry does not give is the registry's: its own check says so.
  if (work === undefined || work.kind === "schema" || nowMs - work.sinceMs < windowMs(job.plan.commitEveryMs))
    return [];
  const { sinceMs, step, record } = work;
  const ageMs = nowMs - sinceMs;
  const input = record ?? job.overview.tasks.find((each) => each.task === task)?.inputs[0];
  const lag = job.overview.tasks.find((each) => each.task === task)!.inputs.reduce((sum, each) => sum + each.lag, 0);
  return [
    {
      check: "stuck",
      severity: "error",
      what: `task ${task} of job "${job.overview.job}" is held for ${age(ageMs)} by ${whatHolds(work)}`,
      where: {
        ...placeOf(job, task),
        ...(input !== undefined && { topic: input.topic, partition: input.partition }),
        ...(step !== undefined && { step }),
      },
      evidence: [...(record === undefined ? [] : [recordText(record, nowMs)]), `${waits(lag)} behind it`],
      ageMs,
      todo: todo(work),
    },
  ];
}

function whatHolds({ kind, step, record, schema }: WorkStatus): string {
  const of = step === undefined ? "" : ` of step "${step}"`;
  switch (kind) {
    case "record":
      return `the function${of}, which has not ended for ${record === undefined ? "a record" : `${record.topic}/${record.partition} offset ${record.offset}`}`;
    case "timer":
      return `a timer${of} that has not ended`;
    case "commit":
      return `what is done before a commit${of}`;
    case "start":
      return `reading its state${of}`;
    case "schema":
      return `schema ${schema?.id}, which is not here`;
  }
}

const todo = ({ kind, step }: WorkStatus): string =>
  kind === "record" || kind === "timer"
    ? `see what ${step === undefined ? "the handler" : `"${step}"`} waits for and give it a time-out; a restart of the worker repeats the record, so mend it first, or calls belong in a call step, which has time-outs and retries`
    : "look at the disk of the worker, and restart it if that is idle";

/** Longer than its time-out none can take: then the institution is what is wrong, and its own check says so. */
function slowCall(job: JobFacts, { task, calls }: TaskStatus, nowMs: number): readonly Finding[] {
  const oldest = calls?.oldest;
  if (oldest === undefined || nowMs - oldest.sinceMs < windowMs(job.plan.commitEveryMs)) return [];
  const { step, institution, sinceMs, record } = oldest;
  return [
    {
      check: "stuck",
      severity: "warning",
      what: `a call of job "${job.overview.job}" to ${institution} has not ended for ${age(nowMs - sinceMs)}`,
      where: { ...placeOf(job, task), topic: record.topic, partition: record.partition, step, institution },
      evidence: [recordText(record, nowMs), `${counted(calls!.underWay, "record")} of the task are taken up`],
      ageMs: nowMs - sinceMs,
      todo: "its time-out ends it, and it is tried again; if that happens often, look at mulgil circuits",
    },
  ];
}

function placeOf(job: JobFacts, task: string) {
  const memberId = job.overview.tasks.find((each) => each.task === task)?.memberId;
  const member = job.overview.members.find((each) => each.memberId === memberId);
  return { job: job.overview.job, task, ...(member !== undefined && { worker: workerText(member) }) };
}
