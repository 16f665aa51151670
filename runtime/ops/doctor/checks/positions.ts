import type { Verdict } from "../../lag/verdict.ts";
import type { Facts, JobFacts } from "../facts.ts";
import type { Finding, Severity } from "../finding.ts";
import { type JudgedInput, judgedInputs } from "../input-verdicts.ts";
import { age, count, counted } from "../words.ts";

interface Said {
  readonly severity: Severity;
  readonly what: string;
  readonly todo: string;
}

const SAID: Readonly<Partial<Record<Verdict, Said>>> = {
  rewound: {
    severity: "error",
    what: "has been rewound: its position has moved back, and records are processed again",
    todo: "find out who set the group's offsets (mulgil audit, kafka-consumer-groups); effects of call steps are repeated",
  },
  stopped: {
    severity: "error",
    what: "has stopped: no commit for longer than a whole window of commits, and there is lag",
    todo: "see what holds the task (above), or its worker's log",
  },
  stalled: {
    severity: "error",
    what: "is stalled: its worker has its turns to commit, and the position does not move",
    todo: "the record at the position is what holds it: see its step, and the circuits if it is a call",
  },
  behind: {
    severity: "warning",
    what: "falls behind: it goes on, and the lag never falls",
    todo: "more workers, if there are more partitions than workers (mulgil scale <job> --advise); else see which step is slow",
  },
};

/** Partitions of which the job does not keep up, and positions that somebody else has set. */
export function checkPositions({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap((job) => {
    const isStopped = job.overview.group === "empty";
    return judgedInputs(job, nowMs).flatMap((judged) => [
      ...setByOthers(job, judged, nowMs),
      // That nobody runs it is said once.
      ...(isStopped && judged.verdict === "stopped" ? [] : verdict(job, judged, nowMs)),
    ]);
  });
}

function verdict(job: JobFacts, judged: JudgedInput, nowMs: number): readonly Finding[] {
  const { input, verdict: given } = judged;
  const said = given === undefined ? undefined : SAID[given];
  if (said === undefined) return [];
  const { topic, partition, head } = input;
  return [
    {
      check: "positions",
      severity: said.severity,
      what: `${topic}/${partition} of job "${job.overview.job}" ${said.what}`,
      where: { job: job.overview.job, task: judged.task, topic, partition },
      evidence: evidenceOf(judged, nowMs),
      ageMs: head === undefined ? undefined : nowMs - head.timestampMs,
      todo: said.todo,
    },
  ];
}

function evidenceOf({ input, told }: JudgedInput, nowMs: number): string[] {
  const { position, endOffset, lag, head } = input;
  const commits = told?.commits ?? [];
  const last = commits.at(-1);
  return [
    `position ${position}, end ${endOffset}, lag ${count(lag)}`,
    ...(head === undefined
      ? []
      : [
          `the record there is ${age(nowMs - head.timestampMs)} old, ${head.keyHash === undefined ? "without a key" : `key #${head.keyHash}`}`,
        ]),
    ...(last === undefined
      ? []
      : [
          `last turns to commit: ${commits.map(({ offset }) => offset).join(", ")}; the last one ${age(nowMs - last.atMs)} ago`,
        ]),
  ];
}

/** A position in a group of a job that no commit of the job has left there. */
function setByOthers(job: JobFacts, { input, task, told }: JudgedInput, nowMs: number): readonly Finding[] {
  const { topic, partition, setBy, lag, head } = input;
  // What the task has committed since hides it from the log.
  const position = setBy === "others" ? input.position : told?.setByOthers;
  if (position === undefined) return [];
  return [
    {
      check: "positions",
      severity: lag > 0 ? "error" : "note",
      what: `the position of job "${job.overview.job}" in ${topic}/${partition} was set to ${position} by hand or by another tool: the group was rewound, or moved ahead`,
      where: { job: job.overview.job, task, topic, partition },
      evidence: [
        setBy === "others"
          ? "the committed offset does not carry what the job's commits do"
          : `the task began there; its position is ${input.position} now`,
        `${counted(lag, "record")} from there on are processed, again if they were before${head === undefined ? "" : `; the first is ${age(nowMs - head.timestampMs)} old`}`,
      ],
      ageMs: undefined,
      todo: "if nobody meant to, set it back before the job runs (mulgil reset); effects of call steps would be repeated",
    },
  ];
}
