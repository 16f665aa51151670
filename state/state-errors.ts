import { MulgilError } from "../schemas/mulgil-error.ts";

/** The store was sealed twice without an end of the commit in between. */
export const sealedError = (store: string) =>
  new MulgilError(`store "${store}" is sealed already: end the commit in progress with applySealed or discard first`, {
    code: "STATE_SEALED",
    context: { store },
  });

export const applyingError = (store: string, what: string) =>
  new MulgilError(`store "${store}" is being written: await applySealed before you call ${what}`, {
    code: "STATE_APPLYING",
    context: { store },
  });

export const unsavedError = (store: string, what: string) =>
  new MulgilError(
    `store "${store}" has changes that are not committed: ${what} replaces its contents; discard them first`,
    {
      code: "STATE_UNSAVED",
      context: { store },
    },
  );

export const lockedError = (file: string, cause?: unknown) =>
  new MulgilError(
    `state directory "${file}" is held by another process: stop the other worker that uses it, or give this one its own state directory`,
    { code: "STATE_LOCKED", context: { file }, cause },
  );

export const corruptedError = (file: string, what: string, cause?: unknown) =>
  new MulgilError(`state directory "${file}" cannot be used: ${what}; move it away and rebuild it from the changelog`, {
    code: "STATE_CORRUPTED",
    context: { file },
    cause,
  });

export const diskFullError = (file: string, cause?: unknown) =>
  new MulgilError(`no space left for state directory "${file}": free some space; nothing committed is lost`, {
    code: "STATE_DISK_FULL",
    context: { file },
    cause,
  });

const messages = (cause: unknown): string =>
  cause instanceof Error
    ? `${cause.message}${cause.cause === undefined ? "" : `: ${messages(cause.cause)}`}`
    : String(cause);

const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && (("code" in cause && cause.code === code) || hasCode(cause.cause, code));

/** Says what a failed open, read or write of LevelDB means to whoever has to act. */
export function diskError(operation: "open" | "read" | "write", file: string, cause: unknown): MulgilError {
  if (cause instanceof MulgilError) return cause;
  const message = messages(cause);
  if (hasCode(cause, "LEVEL_LOCKED")) return lockedError(file, cause);
  if (hasCode(cause, "LEVEL_CORRUPTION")) return corruptedError(file, message, cause);
  if (/no space left|ENOSPC|quota exceeded|EDQUOT/i.test(message)) return diskFullError(file, cause);
  // LevelDB reports a file that its manifest names and nobody finds as an I/O error, and a table that is shorter than its manifest says as well.
  if (/IO error: .*no such file/i.test(message) || /IO error: .*\.ldb: invalid argument/i.test(message))
    return corruptedError(file, message, cause);
  return new MulgilError(`cannot ${operation} state directory "${file}": ${message}`, {
    code: `STATE_${operation.toUpperCase()}_FAILED`,
    context: { file },
    cause,
  });
}
