import { MulgilError } from "../../schemas/mulgil-error.ts";

/** @throws {MulgilError} STATE_LAYOUT if stored bytes have another layout than this code reads */
export function checkLayout(found: number, expected: number): void {
  if (found === expected) return;
  throw new MulgilError(
    `a stored entry has layout ${found}, and this version of Mulgil reads ${expected}: run the version that wrote it, or rename the step to build its state anew`,
    { code: "STATE_LAYOUT" },
  );
}
