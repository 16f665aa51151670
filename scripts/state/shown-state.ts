import { type EntryMask, type EntryMaskOptions, unmasked } from "../../runtime/operators/entry-mask.ts";
import type { StoreInPlan } from "../../runtime/operators/entry-secrets.ts";
import type { RevealRequest } from "../../runtime/ops/http/reveal-trail.ts";
import { storeMask } from "../../runtime/ops/state/store-mask.ts";
import { actor } from "../change/actor.ts";
import type { OpenLog } from "../environment/open-log.ts";
import { variables } from "../environment/variables.ts";
import { digestWith } from "../reveal/digest.ts";
import { auditReveal, type RevealOptions } from "../reveal/reveal.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import type { StoreOfJob } from "./store-of-job.ts";

/** What somebody may see of state. */
export interface Showing extends RevealOptions {
  /** --schemas */
  readonly schemas: string;
}

/** For a worker, which hides, or reveals and writes that to the audit trail, itself. */
export const revealRequest = ({ reveal, why }: RevealOptions): RevealRequest =>
  reveal === true ? { reveal, ...(why !== undefined && { why }), by: actor() } : {};

/**
 * What of a store may be shown that is read here, and not by a worker.
 * @param showing with --reveal: after `auditReveal`
 * @throws {MulgilError} PII_KEY_FILE
 */
export async function maskHere(
  { registry }: OpenLog,
  of: StoreInPlan,
  { schemas: schemasDir, reveal }: Showing,
  options: Pick<EntryMaskOptions, "isKeyKnown"> = {},
): Promise<EntryMask> {
  if (reveal === true) return unmasked;
  const schemas = new TopicSchemas({ registry, schemasDir });
  return await storeMask(of, schemas, { digest: digestWith(variables.piiKeyFile), ...options });
}

/** Before a changelog is read with --reveal. @throws {MulgilError} CHANGE_REASON_MISSING */
export const auditChangelog = ({ log }: OpenLog, { plan, planned }: StoreOfJob, showing: Showing): Promise<void> =>
  auditReveal(log, `job ${plan.job}, store ${planned.name}, its changelog`, showing);
