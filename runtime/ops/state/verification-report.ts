import type { Difference } from "../../../state/differences.ts";
import { dataPrefix, indexPrefix, readOrderedInteger, timedKeyOffset } from "../../../state/key-layout.ts";
import type { Checkpoint } from "../../../state/store.ts";
import type { VerifyResult } from "../../../state/verify-store.ts";
import { type EntryMask, unmasked } from "../../operators/entry-mask.ts";
import { entryReader, type ShownEntry } from "../../operators/entry-reader.ts";
import type { StoreOfStep } from "../../operators/store-codecs.ts";

/** A difference as it is told: without anything of a record, unless that is to be revealed. */
export interface ShownDifference {
  /** "missing": a restore would bring it, and the store does not have it. "extra": the other way round. */
  readonly kind: "missing" | "extra" | "different";
  readonly part: "entry" | "time index" | "stream time";
  /**
   * The first 16 digits of the SHA-256 of the key's bytes; of a key that is personal, a hash with the key of the hashes, or a text in its place. "" of a
   * stream time, which has none.
   */
  readonly keyHash: string;
  readonly windowStartMs?: number;
  readonly stored?: readonly ShownEntry[];
  readonly replayed?: readonly ShownEntry[];
}

/** What a verification has found, as JSON. */
export type VerificationReport =
  | Told<Exclude<VerifyResult, { status: "compared" }>>
  | (Omit<Told<Extract<VerifyResult, { status: "compared" }>>, "differences"> & {
      readonly differences: readonly ShownDifference[];
    });

/** Without the incarnation of the changelog, which seals cursors. */
type ToldCheckpoint = Pick<Checkpoint, "nextOffset" | "writtenAtMs">;
type Told<Result> = Result extends { readonly checkpoint: Checkpoint }
  ? Omit<Result, "checkpoint"> & { readonly checkpoint: ToldCheckpoint }
  : Result;

/** So many are told; the others are counted. */
const TOLD_MAX = 100;

/** @param mask what of the store may be shown; undefined reveals the entries that differ */
export function verificationReport(
  result: VerifyResult,
  of: StoreOfStep,
  mask: EntryMask | undefined,
): VerificationReport {
  if (result.status === "empty") return result;
  const { nextOffset, writtenAtMs } = result.checkpoint;
  const checkpoint = { nextOffset, writtenAtMs };
  if (result.status !== "compared") return { ...result, checkpoint };
  const { keyHash } = mask ?? unmasked;
  const read = mask === undefined ? entryReader(of) : undefined;
  const told = result.differences.slice(0, TOLD_MAX);
  return { ...result, checkpoint, differences: told.map((each) => shown(each, of, keyHash, read)) };
}

function shown(
  { key, stored, replayed }: Difference,
  { planned }: StoreOfStep,
  keyHash: EntryMask["keyHash"],
  read: ReturnType<typeof entryReader> | undefined,
): ShownDifference {
  const part = key[0] === dataPrefix ? "entry" : key[0] === indexPrefix ? "time index" : "stream time";
  const isTimed = part === "time index" || planned.kind === "window";
  const bytes = part === "stream time" ? undefined : key.subarray(isTimed ? timedKeyOffset : 1);
  const reads = part === "entry" ? read : undefined;
  return {
    kind: stored === undefined ? "missing" : replayed === undefined ? "extra" : "different",
    part,
    keyHash: bytes === undefined ? "" : keyHash(bytes),
    ...(part === "entry" && planned.kind === "window" && { windowStartMs: readOrderedInteger(key, 1) }),
    ...(reads !== undefined && stored !== undefined && { stored: reads(key, stored) }),
    ...(reads !== undefined && replayed !== undefined && { replayed: reads(key, replayed) }),
  };
}
