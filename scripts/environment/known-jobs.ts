import { MulgilError } from "../../schemas/mulgil-error.ts";

/** @throws {MulgilError} JOB_UNKNOWN */
export function assertJobKnown(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  throw new MulgilError(
    `no job "${name}" has ever run here: there is ${known.length === 0 ? "none" : known.join(", ")}`,
    { code: "JOB_UNKNOWN" },
  );
}
