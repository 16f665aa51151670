import { createInterface } from "node:readline/promises";
import { MulgilError } from "../../schemas/mulgil-error.ts";

export const UNCONFIRMED = "CHANGE_UNCONFIRMED";

/** @throws {MulgilError} CHANGE_UNCONFIRMED */
export async function assertConfirmed(yes: true | undefined): Promise<void> {
  if (yes === true) return;
  if (!canAsk()) throw unconfirmed("nobody can be asked here: look at it with --dry-run, then give --yes");
  const answer = await ask("Go on? [y/N] ");
  if (!/^y(es)?$/i.test(answer)) throw unconfirmed("you did not say yes");
}

/** @throws {MulgilError} CHANGE_REASON_MISSING */
export async function reasonFor(given: string | undefined): Promise<string> {
  const why = (given ?? (canAsk() ? await ask("Why? ") : "")).trim();
  if (why !== "") return why;
  throw new MulgilError('this is recorded with its reason: give --why "…"', { code: "CHANGE_REASON_MISSING" });
}

const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } catch {
    // Ctrl-C, or the end of the input.
    return "";
  } finally {
    terminal.close();
  }
}

const unconfirmed = (why: string): MulgilError => new MulgilError(`nothing was changed: ${why}`, { code: UNCONFIRMED });
