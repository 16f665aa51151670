import type { DeadLetterGroup, Facts, SubjectFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, counted, listed } from "../words.ts";

/** Of dead letters. What is no value at all is none of them. */
export const SCHEMA_BREAKS: ReadonlySet<string> = new Set(["SCHEMA_INCOMPATIBLE", "SCHEMA_UNKNOWN_ID", "SCHEMA_TYPE"]);

/** Records that a job cannot read, because somebody writes them with another schema; and versions that will lead to that. */
export function checkSchemas({ jobs, registry, nowMs }: Facts): readonly Finding[] {
  const broken = jobs.flatMap(({ overview, deadLetters }) =>
    deadLetters
      .filter(({ code, topic }) => SCHEMA_BREAKS.has(code) && topic !== undefined)
      .map((group) => breaks(overview.job, group, subjectOf(registry.subjects, group), nowMs)),
  );
  const told = new Set(broken.map(({ where }) => where.topic));
  return [...broken, ...registry.subjects.filter(({ topic }) => !told.has(topic)).flatMap(threatens)];
}

const subjectOf = (subjects: readonly SubjectFacts[], { topic }: DeadLetterGroup) =>
  subjects.find((subject) => subject.topic === topic);

function breaks(job: string, group: DeadLetterGroup, subject: SubjectFacts | undefined, nowMs: number): Finding {
  const { code, step, topic, count, firstMs, lastMs, example } = group;
  const reasons = subject?.newerUnreadable ?? [];
  const version = subject?.latest?.version;
  return {
    check: "schemas",
    severity: "error",
    what: `job "${job}" cannot read records of topic "${topic}": their schema is not one that it can read`,
    where: { job, topic: topic!, step },
    evidence: [
      `${counted(count, "dead letter")} with ${code} in the last hour, the last one ${age(nowMs - lastMs)} ago`,
      ...(example === undefined ? [] : [`one of them is ${topic}/${example.partition} offset ${example.offset}`]),
      ...(reasons.length === 0 ? [] : [`version ${version} breaks with the one before: ${listed(reasons, 3)}`]),
    ],
    ageMs: nowMs - firstMs,
    todo: "have the producer write what the job's schema can read, or deploy the job with the new schema; then redrive the dead letters (mulgil dlq redrive)",
  };
}

function threatens({ topic, subject, latest, planned, olderUnreadable, newerUnreadable }: SubjectFacts): Finding[] {
  if (latest === undefined) return [];
  const base = { check: "schemas", severity: "warning", where: { topic }, ageMs: undefined } as const;
  if (olderUnreadable.length > 0)
    return [
      {
        ...base,
        what: `version ${latest.version} of "${subject}" cannot read what earlier versions wrote`,
        evidence: olderUnreadable.slice(0, 5),
        todo: "register one that can, before somebody reads old records with it",
      },
    ];
  if (newerUnreadable.length === 0) return [];
  return [
    {
      ...base,
      what: `what is written with version ${latest.version} of "${subject}" cannot be read by who has the version before: their records become dead letters`,
      evidence: [...newerUnreadable.slice(0, 5), `plans read "${planned}" there`],
      todo: "deploy the jobs that read the topic with the new schema first",
    },
  ];
}
