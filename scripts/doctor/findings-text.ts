import { styleText } from "node:util";
import type { Facts } from "../../runtime/ops/doctor/facts.ts";
import type { Finding, Place, Severity } from "../../runtime/ops/doctor/finding.ts";
import { age, counted } from "../../runtime/ops/doctor/words.ts";

const COLOURS = { error: "red", warning: "yellow", note: "cyan" } as const;
const INDENT = "  ";

/** For people: a paragraph a finding. */
export function findingsText(findings: readonly Finding[], { jobs }: Pick<Facts, "jobs">): string {
  return [...findings.map(paragraph), summary(findings, jobs.length)].join("\n\n");
}

function paragraph(finding: Finding): string {
  const { check, severity, what, where, evidence, ageMs, todo } = finding;
  const place = placeText(where);
  return [
    `${coloured(severity)}  ${styleText("bold", check)}  ${what}`,
    ...(place === "" ? [] : [line("where", place)]),
    ...evidence.map((each, index) => line(index === 0 ? "seen" : "", each)),
    ...(ageMs === undefined ? [] : [line("since", `${age(ageMs)} ago`)]),
    line("do", todo),
  ].join("\n");
}

const line = (name: string, text: string): string => `${INDENT}${name.padEnd(7)}${text}`;

const coloured = (severity: Severity): string => styleText(COLOURS[severity], severity);

function placeText({ job, task, topic, partition, step, institution, worker }: Place): string {
  const named: readonly (readonly [string, string | undefined])[] = [
    ["job", job],
    ["task", task],
    ["partition", partition === undefined ? undefined : `${topic}/${partition}`],
    ["topic", partition === undefined ? topic : undefined],
    ["step", step],
    ["institution", institution],
    ["worker", worker],
  ];
  return named.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`])).join(", ");
}

function summary(findings: readonly Finding[], jobs: number): string {
  const of = counted(jobs, "job");
  if (findings.length === 0) return `nothing is wrong with ${of}`;
  const counts = (["error", "warning", "note"] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [counted(count, severity)];
  });
  return `${counts.join(", ")} in ${of}`;
}

/** One line a finding, under what it is about. */
export const findingLine = ({ severity, what }: Finding): string => `${coloured(severity)}: ${what}`;
