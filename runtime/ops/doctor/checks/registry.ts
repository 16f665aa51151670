import type { Facts, SubjectFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";

/** Whether the schema registry answers, and has what the plans need. */
export function checkRegistry({ registry, jobs }: Facts): readonly Finding[] {
  const { problem, where, subjects } = registry;
  if (problem === undefined) return subjects.filter(({ latest }) => latest === undefined).map(missing);
  const stopped = jobs.flatMap(({ overview, workers }) =>
    workers.flatMap(({ status }) =>
      (status?.tasks ?? []).flatMap(({ task, trouble }) =>
        trouble?.code.startsWith("REGISTRY_") ? [`${overview.job} ${task}: ${trouble.code}`] : [],
      ),
    ),
  );
  return [
    {
      check: "registry",
      severity: "error",
      what: `the schema registry ${where} does not answer: values with a schema that a worker has not seen yet cannot be read, and no job can start`,
      where: {},
      evidence: [`${problem.message} [${problem.code}]`, ...stopped],
      ageMs: undefined,
      todo: "bring it back, or correct its address (--registry, MULGIL_REGISTRY); workers that run go on with the schemas they know",
    },
  ];
}

const missing = ({ topic, subject, planned, jobs }: SubjectFacts): Finding => ({
  check: "registry",
  severity: "warning",
  what: `the schema registry has no schema of topic "${topic}" (subject "${subject}")`,
  where: { topic, ...(jobs.length === 1 && { job: jobs[0]! }) },
  evidence: [`the plan reads or writes "${planned}" there`],
  ageMs: undefined,
  todo: "register it, or write to the topic with mulgil write: without it, values cannot be read by others",
});
