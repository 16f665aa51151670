/** Where a source goes on when what it would read next is not in the topic any more. */
export type GapPolicy = "fail" | "earliest" | "latest";

/** Where a source begins at a job's first start. */
export type StartFrom = "earliest" | "latest";

/** Where a source is read from. */
export interface PositionOptions {
  /**
   * What happens when the records behind the job's position are gone (retention was faster, somebody deleted them), when the topic ends before
   * the position (it was truncated), or when it was deleted and made again. "fail": the job ends with SOURCE_GAP, at every start anew, until
   * somebody decides. "earliest", "latest": it goes on at the first record there is, or behind the last one, commits that as any progress, tells it
   * as an event of kind "gap", and counts it. Of a topic that was truncated or made again, "earliest" reads everything. @default "fail"
   */
  readonly onGap?: GapPolicy;
  /**
   * Where a partition begins for which the job has committed nothing: at its first record, or behind its last one. Only what is written
   * from then on is read. It is committed at once, so a later start goes on from there. @default "earliest"
   */
  readonly startFrom?: StartFrom;
}

export const GAP_POLICIES: readonly string[] = ["fail", "earliest", "latest"] satisfies GapPolicy[];
export const STARTS: readonly string[] = ["earliest", "latest"] satisfies StartFrom[];
