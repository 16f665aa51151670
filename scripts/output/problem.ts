import { inspect } from "node:util";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** What a person needs to know of an error: what happened, its code, what to do. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

const ADVICE: Readonly<Record<string, Problem>> = {
  ENOSPC: {
    code: "DISK_FULL",
    message: "the disk is full: free some space and run the command again; what was committed is kept",
  },
  EDQUOT: {
    code: "DISK_FULL",
    message: "the disk quota is used up: free some space and run the command again; what was committed is kept",
  },
  EMFILE: {
    code: "FILES_MAX",
    message: "the process may not open more files: raise the limit (ulimit -n) and run the command again",
  },
  EACCES: { code: "PERMISSION", message: "no permission" },
  EPERM: { code: "PERMISSION", message: "no permission" },
  EROFS: { code: "PERMISSION", message: "the file system is read-only" },
};

/** Turns whatever was thrown into one message. Deeper causes count where they say more than what wraps them: a full disk, say. */
export function problemOf(error: unknown): Problem {
  const chain = causes(error);
  const [first] = chain;
  const isTold = first instanceof MulgilError && first.code === ADVICE["ENOSPC"]!.code;
  if (!isTold && chain.some(isDiskFull)) return ADVICE["ENOSPC"]!;
  if (first instanceof MulgilError) return { code: first.code, message: first.message };
  const system = first as NodeJS.ErrnoException | undefined;
  const advice = system?.code === undefined ? undefined : ADVICE[system.code];
  if (advice !== undefined)
    return { ...advice, message: system?.path === undefined ? advice.message : `${advice.message}: ${system.path}` };
  if (system?.syscall !== undefined) return { code: system.code ?? "SYSTEM", message: system.message };
  return { code: "UNEXPECTED", message: `${messageOf(error)} (a mistake of Mulgil: MULGIL_DEBUG=1 shows where)` };
}

/** Everything about an error, for MULGIL_DEBUG=1. */
export const problemDetails = (error: unknown): string => inspect(error, { depth: 6 });

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function causes(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (
    let each = error;
    each !== undefined && !chain.includes(each);
    each = each instanceof Error ? each.cause : undefined
  )
    chain.push(each);
  return chain;
}

/** LevelDB reports it as text. */
const isDiskFull = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | undefined)?.code === "ENOSPC" ||
  (error instanceof Error && /no space left on device/i.test(error.message));

export const isBrokenPipe = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === "EPIPE";
