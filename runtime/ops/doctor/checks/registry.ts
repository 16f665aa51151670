import type { AwaitedSchemaStatus, RecordPlace } from "../../../worker/member-status.ts";
import type { Facts, SubjectFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, counted, listed } from "../words.ts";

/** A task that a schema keeps from going on. */
interface Waiting {
  readonly job: string;
  readonly task: string;
  readonly sinceMs: number;
  readonly schema: AwaitedSchemaStatus;
  readonly record: RecordPlace | undefined;
}

/** Whether the schema registry answers, us and the workers, and has what the plans need. */
export function checkRegistry(facts: Facts): readonly Finding[] {
  const { problem, subjects } = facts.registry;
  const waiting = waitingTasks(facts);
  if (problem !== undefined && problem.code !== "REGISTRY_MISSING") return [away(facts, problem, waiting)];
  return [
    ...(problem === undefined ? [] : [NOT_NAMED]),
    ...(waiting.length === 0 ? [] : [waitingFor(facts, waiting)]),
    ...subjects.filter(({ latest }) => latest === undefined).map(missing),
  ];
}

function waitingTasks({ jobs }: Facts): readonly Waiting[] {
  return jobs.flatMap(({ overview, workers }) =>
    workers.flatMap(({ status }) =>
      (status?.tasks ?? []).flatMap(({ task, work }): Waiting[] => {
        if (work?.schema === undefined) return [];
        const { sinceMs, schema, record } = work;
        return [{ job: overview.job, task, sinceMs, schema, record }];
      }),
    ),
  );
}

function away(
  { registry, nowMs }: Facts,
  { code, message }: { readonly code: string; readonly message: string },
  waiting: readonly Waiting[],
): Finding {
  return {
    check: "registry",
    severity: "error",
    what: `the schema registry ${registry.where} does not answer: values with a schema that a worker has not seen yet cannot be read, and no job can start`,
    where: {},
    evidence: [`${message} [${code}]`, ...evidenceOf(waiting, nowMs)],
    ageMs: ageOf(waiting, nowMs),
    todo: "bring it back, or correct its address (--registry, MULGIL_REGISTRY); workers that run go on with the schemas they know, and with the rest when it answers",
  };
}

const NOT_NAMED: Finding = {
  check: "registry",
  severity: "note",
  what: "no schema registry is named: whether it answers, and what it has, was not looked at",
  where: {},
  evidence: [],
  ageMs: undefined,
  todo: "give --registry, or set MULGIL_REGISTRY",
};

/** It does not answer them, whatever it does here. */
function waitingFor({ registry, nowMs }: Facts, waiting: readonly Waiting[]): Finding {
  const jobs = [...new Set(waiting.map(({ job }) => job))];
  return {
    check: "registry",
    severity: "error",
    what: `${counted(waiting.length, "task")} of ${listed(jobs)} ${waiting.length === 1 ? "waits" : "wait"} for the schema registry${registry.problem === undefined ? ` ${registry.where}, which answers here` : ""}`,
    where: { ...(jobs.length === 1 && { job: jobs[0]! }) },
    evidence: evidenceOf(waiting, nowMs),
    ageMs: ageOf(waiting, nowMs),
    todo: "if that lasts for more than a minute, see whether the workers can reach it, with which user, and at which address; they go on by themselves when it answers them",
  };
}

const evidenceOf = (waiting: readonly Waiting[], nowMs: number): readonly string[] =>
  waiting.map(({ job, task, sinceMs, schema: { id, problem }, record }) => {
    const at = record === undefined ? "" : `, which ${record.topic}/${record.partition} offset ${record.offset} needs`;
    const why = problem === undefined ? "" : `: ${problem.message} [${problem.code}]`;
    return `${job} ${task} waits for schema ${id} since ${age(nowMs - sinceMs)}${at}${why}`;
  });

const ageOf = (waiting: readonly Waiting[], nowMs: number): number | undefined =>
  waiting.length === 0 ? undefined : nowMs - Math.min(...waiting.map(({ sinceMs }) => sinceMs));

const missing = ({ topic, subject, planned, jobs }: SubjectFacts): Finding => ({
  check: "registry",
  severity: "warning",
  what: `the schema registry has no schema of topic "${topic}" (subject "${subject}")`,
  where: { topic, ...(jobs.length === 1 && { job: jobs[0]! }) },
  evidence: [`the plan reads or writes "${planned}" there`],
  ageMs: undefined,
  todo: "register it, or write to the topic with mulgil write: without it, values cannot be read by others",
});
