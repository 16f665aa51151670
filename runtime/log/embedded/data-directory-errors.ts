import { MulgilError } from "../../../schemas/mulgil-error.ts";

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | undefined)?.code;
const causeOf = (error: unknown): unknown => (error as { readonly cause?: unknown } | undefined)?.cause;

/** LevelDB says so when another process, or this one, has the database open. */
export const isLocked = (error: unknown): boolean => codeOf(causeOf(error)) === "LEVEL_LOCKED";

/** Nobody listens (yet, or any more). */
export const isNobodyThere = (error: unknown): boolean =>
  ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "LOG_CONNECTION_LOST"].includes(String(codeOf(error)));

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "give this user the right to read and write it, or use another directory",
  EPERM: "give this user the right to read and write it, or use another directory",
  EROFS: "it is on a read-only file system: use another directory",
  ENOSPC: "free some disk space, then start again",
  EDQUOT: "the quota of this user is used up: free some disk space, then start again",
  ENOTDIR: "a file is in the way: use another directory",
  EEXIST: "a file is in the way: use another directory",
  EMFILE: "this process may open no more files: raise the limit (ulimit -n)",
  LEVEL_CORRUPTION:
    "its files are damaged: restore them from a copy, or move the directory away and start with an empty one",
};

export function directoryUnusable(directory: string, cause: unknown): MulgilError {
  const reasons = [cause, causeOf(cause)].filter((reason) => reason instanceof Error);
  const text = reasons.map(({ message }) => message).join(": ");
  const code = reasons.map(codeOf).find((code) => String(code) in ADVICE) ?? /No space left/i.exec(text)?.[0];
  const known = String(code) === "No space left" ? "ENOSPC" : String(code);
  const advice = ADVICE[known] ?? (/permission denied/i.test(text) ? ADVICE["EACCES"] : "see the cause");
  return new MulgilError(`the data directory ${directory} cannot be used (${text}); ${advice}`, {
    code: "DATA_DIR_UNUSABLE",
    context: { file: directory },
    cause,
  });
}

export function directoryLocked(directory: string, pid: number | undefined, cause: unknown): MulgilError {
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new MulgilError(
    `the data directory ${directory} is in use by ${who}; stop it, or use another directory (commands that only look or write connect to it by themselves)`,
    { code: "DATA_DIR_LOCKED", context: { file: directory }, cause },
  );
}

export const nobodyServes = (directory: string, cause: unknown): MulgilError =>
  new MulgilError(
    `no process serves the data directory ${directory}; start one that owns it, or open it as "owner-or-client"`,
    { code: "DATA_DIR_NOT_SERVED", context: { file: directory }, cause },
  );
