import type { JobMeasures } from "../../worker/measures.ts";
import type { TaskStatus } from "../../worker/member-status.ts";
import type { Labels, MetricFamily, Sample } from "./metric-family.ts";

const TASK_STATUSES: readonly TaskStatus["status"][] = ["starting", "restoring", "running"];

export const jobFamilies: readonly MetricFamily[] = [
  {
    name: "mulgil_job_info",
    help: "1; the labels say what runs",
    labels: ["job", "version", "plan", "delivery"],
    series: {
      type: "gauge",
      samples: ({ jobs }) =>
        jobs.map(({ plan: { job, version, hash, delivery } }) => one({ job, version, plan: hash, delivery })),
    },
  },
  counter(
    "mulgil_records_consumed_total",
    "Records that tasks have processed or taken up",
    ({ counters }) => counters.recordsIn,
  ),
  counter(
    "mulgil_records_produced_total",
    "Records that tasks have sent with their commits",
    ({ counters }) => counters.recordsOut,
  ),
  counter("mulgil_records_late_total", "Records for windows that had closed", ({ counters }) => counters.late),
  counter(
    "mulgil_records_superseded_total",
    "Records of calls that were dropped because a later one had succeeded",
    ({ counters }) => counters.superseded,
  ),
  counter(
    "mulgil_records_erased_total",
    "Records of calls that were dropped because somebody is to be forgotten",
    ({ counters }) => counters.erased,
  ),
  counter(
    "mulgil_offset_gaps_total",
    "How often a source went on behind offsets that were gone",
    ({ counters }) => counters.gaps,
  ),
  counter(
    "mulgil_records_skipped_total",
    "Offsets that those gaps left out: as many records at most",
    ({ counters }) => counters.skipped,
  ),
  {
    name: "mulgil_dead_letters_total",
    help: "Records that went to the dead-letter topic, by the step and the code of the error",
    labels: ["job", "step", "code"],
    series: {
      type: "counter",
      samples: ({ jobs }) =>
        jobs.flatMap(({ plan: { job }, events }) =>
          events.deadLetters.map(({ step, code, count }) => ({ labels: { job, step, code }, value: count })),
        ),
    },
  },
  counter("mulgil_commits_total", "Commits of tasks that succeeded", ({ counters }) => counters.commits),
  counter(
    "mulgil_commit_failures_total",
    "Commits of tasks that failed; each restarts its task",
    ({ counters }) => counters.commitFailures,
  ),
  {
    name: "mulgil_commit_duration_seconds",
    help: "From sealing the state until the log and the disk have it, of commits that succeeded",
    labels: ["job"],
    series: {
      type: "histogram",
      durations: ({ jobs }) =>
        jobs.map(({ plan: { job }, counters }) => ({ labels: { job }, durations: counters.commitDurations })),
    },
  },
  {
    name: "mulgil_task_restarts_total",
    help: "Tasks that started again after an error, by its code",
    labels: ["job", "code"],
    series: {
      type: "counter",
      samples: ({ jobs }) =>
        jobs.flatMap(({ plan: { job }, events }) =>
          Array.from(events.restarts, ([code, value]) => ({ labels: { job, code }, value })),
        ),
    },
  },
  counter(
    "mulgil_rebalances_total",
    "Assignments that members in this process were given",
    ({ events }) => events.rebalances,
  ),
  counter("mulgil_memberships_lost_total", "How often a member was put out of its group", ({ events }) => events.lost),
  counter(
    "mulgil_state_restored_entries_total",
    "Entries of stores that were read back from changelogs",
    ({ counters }) => counters.restoredEntries,
  ),
  counter(
    "mulgil_state_quarantined_total",
    "Stores that were damaged, moved aside and rebuilt",
    ({ events }) => events.quarantined,
  ),
  counter(
    "mulgil_standby_failures_total",
    "How often a copy of a task's state failed; it is opened again",
    ({ events }) => events.standbyFailures,
  ),
  {
    name: "mulgil_members",
    help: "Members of the job's group in this process, by whether they have been given their tasks",
    labels: ["job", "status"],
    series: {
      type: "gauge",
      samples: ({ jobs }) =>
        jobs.flatMap(({ plan: { job }, members }) => {
          const assigned = members.filter(({ isAssigned }) => isAssigned).length;
          return [
            { labels: { job, status: "assigned" }, value: assigned },
            { labels: { job, status: "waiting" }, value: members.length - assigned },
          ];
        }),
    },
  },
  {
    name: "mulgil_tasks",
    help: "Tasks in this process, by status",
    labels: ["job", "status"],
    series: { type: "gauge", samples: ({ jobs }) => jobs.flatMap(tasksByStatus) },
  },
  {
    name: "mulgil_standby_tasks",
    help: "Copies of the state of tasks that run elsewhere",
    labels: ["job"],
    series: {
      type: "gauge",
      samples: ({ jobs }) =>
        jobs.map(({ plan: { job }, members }) => ({
          labels: { job },
          value: members.reduce((sum, { standbys }) => sum + standbys, 0),
        })),
    },
  },
];

const one = (labels: Labels): Sample => ({ labels, value: 1 });

function counter(name: string, help: string, of: (job: JobMeasures) => number): MetricFamily {
  const samples = (job: JobMeasures): Sample => ({ labels: { job: job.plan.job }, value: of(job) });
  return { name, help, labels: ["job"], series: { type: "counter", samples: ({ jobs }) => jobs.map(samples) } };
}

function tasksByStatus({ plan: { job }, members }: JobMeasures): readonly Sample[] {
  const tasks = members.flatMap((member) => member.tasks);
  return TASK_STATUSES.map((status) => ({
    labels: { job, status },
    value: tasks.filter((task) => task.status === status).length,
  }));
}
