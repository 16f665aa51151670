import { randomUUID } from "node:crypto";
import type { LogAccess } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { appendAudit } from "../audit.ts";
import { HttpError } from "./http-error.ts";
import type { Caller } from "./worker-routes.ts";

/** What somebody asks for who wants to see personal data. */
export interface RevealRequest {
  readonly reveal?: boolean;
  readonly why?: string;
  /** Who he says he is. */
  readonly by?: string;
}

const text = (maxLength: number) => ({ type: "string", maxLength, pattern: "^\\P{Cc}*$" });

/** As parameters of a route. */
export const revealParameters = {
  reveal: {
    type: "boolean",
    description: "shows personal data as it is; needs why, and is recorded in the audit trail before anything is shown",
  },
  why: { ...text(1_000), description: "with reveal: is recorded" },
  by: {
    ...text(200),
    description: "with reveal: who asks, if the token is not of one person; is recorded beside its owner",
  },
};

/** Several pages are one look. */
const LOOK_MS = 60_000;
const REMEMBERED_MAX = 1_000;

/** Writes to the audit trail who is about to be shown personal data by this process, and why: a line in a minute for the same person, thing and reason. */
export class RevealTrail {
  readonly #clock: Clock;
  readonly #noted = new Map<string, { readonly atMs: number; readonly written: Promise<void> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when it is written, if there is something to reveal.
   * @param target what he looks at: "job spending, store totals"
   * @returns whether to reveal
   * @throws {HttpError} CHANGE_REASON_MISSING, REVEAL_UNRECORDED
   */
  async note(
    log: LogAccess,
    caller: Caller,
    target: string,
    { reveal, why = "", by = "" }: RevealRequest,
  ): Promise<boolean> {
    if (reveal !== true) return false;
    if (why.trim() === "") throw reasonMissing();
    const who = by.trim() === "" ? caller.name : `${caller.name} (says: ${by.trim()})`;
    await this.#once(JSON.stringify([who, target, why.trim()]), () =>
      appendAudit(log, {
        ...{ id: randomUUID(), atMs: this.#clock.now(), by: who, target, why: why.trim() },
        ...{ action: "reveal", outcome: "done" },
      }),
    );
    return true;
  }

  async #once(look: string, write: () => Promise<void>): Promise<void> {
    const atMs = this.#clock.now();
    const noted = this.#noted.get(look);
    const written = noted !== undefined && atMs - noted.atMs < LOOK_MS ? noted.written : write();
    if (written !== noted?.written) this.#remember(look, { atMs, written });
    try {
      await written;
    } catch (cause) {
      if (this.#noted.get(look)?.written === written) this.#noted.delete(look);
      throw unrecorded(cause as Error);
    }
  }

  #remember(look: string, noted: { readonly atMs: number; readonly written: Promise<void> }): void {
    this.#noted.delete(look);
    this.#noted.set(look, noted);
    if (this.#noted.size > REMEMBERED_MAX) this.#noted.delete(this.#noted.keys().next().value!);
  }
}

const reasonMissing = () =>
  new HttpError("personal data is shown to nobody who does not say why: give why with reveal", {
    code: "CHANGE_REASON_MISSING",
    status: 400,
  });

const unrecorded = (cause: Error) =>
  new HttpError(`nothing is shown, because the audit trail could not be written (${cause.message}): ask again`, {
    code: "REVEAL_UNRECORDED",
    status: 503,
    cause,
  });
