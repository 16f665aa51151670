import { RecordError } from "../errors/errors.ts";

/** Of a record that has no key, in front of a step that keeps or finds something by key. Passed over, it would be lost. */
export const keyless = (id: string): RecordError =>
  new RecordError(
    `"${id}" works by key, and a record has none: let its producer set one, filter such records, or select another key with keyBy`,
    { code: "KEY_MISSING" },
  );
