import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { appendAudit } from "../../runtime/ops/audit.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { actor } from "../change/actor.ts";
import { reasonFor } from "../change/confirm.ts";

export interface RevealOptions {
  readonly reveal?: true;
  readonly why?: string;
}

const REVEAL = "show personal data; it is recorded who looked at what, and why";
const WHY = "with --reveal: is recorded in the audit trail, with your name and the time";

/** --reveal, and --why where the command does not have it already: of every command that shows records or state. */
export function revealOptions(command: Command, { hasWhy = false }: { readonly hasWhy?: boolean } = {}): Command {
  command.option("--reveal", REVEAL);
  return hasWhy ? command : command.option("--why <text>", WHY);
}

/** The options with a reason in them, if there is something to reveal. @throws {MulgilError} CHANGE_REASON_MISSING if nobody can be asked why */
export async function withReason<T extends RevealOptions>(options: T): Promise<T> {
  return options.reveal === true ? { ...options, why: await reasonFor(options.why) } : options;
}

/**
 * With --reveal: writes to the audit trail that somebody is about to look at personal data. Call it before anything is shown: if the trail cannot be
 * written, nothing may be.
 * @param target what he looks at: "topic bank.transactions, partition 3, from earliest"
 * @throws {MulgilError} CHANGE_REASON_MISSING if nobody can be asked why
 */
export async function auditReveal(log: LogAccess, target: string, { reveal, why }: RevealOptions): Promise<void> {
  if (reveal !== true) return;
  await appendAudit(log, {
    id: randomUUID(),
    atMs: systemClock.now(),
    by: actor(),
    action: "reveal",
    target,
    why: await reasonFor(why),
    outcome: "done",
  });
}
