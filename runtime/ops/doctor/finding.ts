/** "error": something does not work, or soon will not. "warning": it works, and somebody should know. "note": as it was meant to be, and easily forgotten. */
export type Severity = "error" | "warning" | "note";

/** Where something is wrong, as far as it is known. */
export interface Place {
  readonly job?: string;
  readonly task?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly step?: string;
  readonly institution?: string;
  /** Host and process. */
  readonly worker?: string;
}

/** Something that is wrong, why that is thought, and what to do. Names, counts and times; keys only as hashes, values never. */
export interface Finding {
  /** The name of the check: stable, for programs. */
  readonly check: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly what: string;
  readonly where: Place;
  /** What was seen. */
  readonly evidence: readonly string[];
  /** Since when it has been so; undefined if nobody can say. */
  readonly ageMs: number | undefined;
  /** What to do now. */
  readonly todo: string;
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** The worst first; else in the order of the checks. */
export const worstFirst = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((left, right) => RANK[left.severity] - RANK[right.severity]);
