import type { Checkpoint } from "./store.ts";

export interface RestoreFacts {
  /** Of the local store. */
  readonly checkpoint: Checkpoint | undefined;
  /** Of the changelog: its first offset, its end, and which topic of this name it is. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly incarnation: string;
  /** Whether retention removes old records of the changelog. */
  readonly expires: boolean;
  readonly nowMs: number;
  /** How long the changelog keeps tombstones, and how much sooner a checkpoint is distrusted. */
  readonly deleteRetentionMs: number;
  readonly marginMs: number;
}

export interface RestoreDecision {
  /** The offset to read from. */
  readonly from: number;
  /** Whether local contents must go first. */
  readonly wipe: boolean;
  readonly reason: "trusted" | Distrust;
}

/** Why local contents cannot be continued. */
export type Distrust =
  | "no checkpoint"
  | "another incarnation"
  | "before the start"
  | "after the end"
  | "too old"
  | "from the future";

/** A commit's checkpoint lies before the marker that ends its transaction: where that is all that has gone, nothing has. */
const MARKER = 1;

/**
 * Whether local contents can be continued. A checkpoint older than the changelog's tombstones may have missed deletes: keys
 * would come back. One from the future was written by a wrong clock: its age is unknown.
 */
export function decideRestore(facts: RestoreFacts): RestoreDecision {
  const reason = distrustOf(facts);
  if (reason === undefined) {
    return { from: Math.max(facts.checkpoint!.nextOffset, facts.startOffset), wipe: false, reason: "trusted" };
  }
  return { from: facts.startOffset, wipe: true, reason };
}

/**
 * Whether records are gone that only somebody's hand can have removed, and that local contents do not have: state that is lost, so that a
 * rebuild would end in wrong results. Compaction leaves the start of a changelog where it is. Retention moves it, and only past what is older
 * than any checkpoint that is still trusted; where there is none, the two cannot be told apart.
 */
export function isTruncated(facts: RestoreFacts): boolean {
  const reason = distrustOf(facts);
  if (reason === undefined) return false;
  if (reason === "after the end") return true;
  if (!facts.expires) return facts.startOffset > 0;
  return reason === "before the start" && facts.checkpoint?.isPartial !== true;
}

/** Undefined if they can. */
export function distrustOf(facts: Omit<RestoreFacts, "expires">): Distrust | undefined {
  const { checkpoint, nowMs, marginMs } = facts;
  if (checkpoint === undefined) return "no checkpoint";
  if (checkpoint.incarnation !== facts.incarnation) return "another incarnation";
  if (checkpoint.nextOffset > facts.endOffset) return "after the end";
  const ageMs = nowMs - checkpoint.writtenAtMs;
  if (!(ageMs < facts.deleteRetentionMs - marginMs)) return "too old";
  if (ageMs < -marginMs) return "from the future";
  if (checkpoint.nextOffset + MARKER < facts.startOffset) return "before the start";
  return undefined;
}
