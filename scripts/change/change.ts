import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { type AuditRecord, appendAudit } from "../../runtime/ops/audit.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { variables } from "../environment/variables.ts";
import { problemOf } from "../output/problem.ts";
import { actor } from "./actor.ts";
import { assertConfirmed, reasonFor } from "./confirm.ts";

/** What a command is about to change. */
export interface Change<T> {
  /** As the command is called, without `mulgil`: "dlq purge". */
  readonly action: string;
  /** "job collection" */
  readonly target: string;
  /** What would happen, a line each, for a person who has to say yes. */
  readonly preview: readonly string[];
  /** For the audit trail; small, without payloads and secrets. */
  readonly before?: unknown;
  readonly after?: unknown;
  apply(entry: ChangeEntry): Promise<T>;
  /** Of what came of it, where that is known only then: stands as `after` when it is over. */
  outcome?(result: T): unknown;
}

/** As the audit trail has the change, for those who keep it elsewhere, too. */
export interface ChangeEntry {
  readonly id: string;
  readonly by: string;
  readonly why: string;
}

export interface ChangeOptions {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly why?: string;
}

/** --dry-run, --yes and --why: of every command that changes or destroys something. */
export const changeOptions = (command: Command): Command =>
  command
    .option("--dry-run", "show what would happen, and change nothing")
    .option("--yes", "do not ask; for scripts")
    .addOption(new Option("--why <text>", "is recorded in the audit trail, with your name and the time"));

/**
 * Shows what a change would do, has it confirmed, and makes it; the audit trail says so before anything is changed, and again when it is over.
 * @returns what the change returns; undefined after --dry-run
 * @throws {MulgilError} CHANGE_UNCONFIRMED if it was not confirmed, CHANGE_REASON_MISSING if nobody can be asked why
 */
export async function carryOut<T>(log: LogAccess, change: Change<T>, options: ChangeOptions): Promise<T | undefined> {
  const { preview: lines, apply, outcome, ...told } = change;
  const { profile } = variables;
  const preview = profile === undefined ? lines : [`on profile ${profile}:`, ...lines];
  if (options.dryRun === true) {
    process.stdout.write(`${preview.join("\n")}\nnothing was changed: this was a dry run\n`);
    return undefined;
  }
  if (preview.length > 0) process.stderr.write(`${preview.join("\n")}\n`);
  const why = await reasonFor(options.why);
  await assertConfirmed(options.yes);
  const entry: ChangeEntry = { id: randomUUID(), by: actor(), why };
  const common = { ...told, ...entry };
  const note = (rest: Pick<AuditRecord, "outcome" | "after" | "error">) =>
    appendAudit(log, { ...common, ...rest, atMs: systemClock.now() });
  await note({ outcome: "begun" });
  let result: T;
  try {
    result = await apply.call(change, entry);
  } catch (error) {
    const { code, message } = problemOf(error);
    // The error of the change counts, not that of the trail: its first line is there.
    await note({ outcome: "failed", error: { code, message } }).catch(() => undefined);
    throw error;
  }
  await note({ outcome: "done", ...(outcome !== undefined && { after: outcome.call(change, result) }) });
  return result;
}
