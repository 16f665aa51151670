import type { InstitutionAnswer } from "./institution-answer.ts";

/** An institution refused, or could not be understood: the collection of this request ends here. */
export class FailedCall extends Error {
  readonly answer: InstitutionAnswer;
  constructor(answer: InstitutionAnswer) {
    super(`${answer.code}: ${answer.message}`);
    this.answer = answer;
  }
}

/** What is answered cannot be what was asked for: paging without an end, or entries that make no sense. */
export const senseless = (message: string): FailedCall =>
  new FailedCall({
    ...{ code: "senseless", class: "temporary", message, body: {} },
    ...{ retryAfterMs: undefined, maintenanceUntilMs: undefined },
  });
