import type { CommittedOffset } from "../log/port.ts";

/** What stands beside a committed offset. */
export interface CommitMetadata {
  /** Counts the commits of the task. */
  readonly sequence: number;
  /** Which topic of this name the offset is one of. Undefined if a tool has set the offset: then it is taken as it is. */
  readonly incarnation: string | undefined;
}

export const writeMetadata = (metadata: CommitMetadata): string => JSON.stringify(metadata);

export function readMetadata({ metadata }: CommittedOffset): CommitMetadata {
  const { sequence, incarnation } = parsed(metadata);
  return {
    sequence: typeof sequence === "number" ? sequence : 0,
    incarnation: typeof incarnation === "string" ? incarnation : undefined,
  };
}

function parsed(metadata: string): { readonly sequence?: unknown; readonly incarnation?: unknown } {
  try {
    return (JSON.parse(metadata) as object | null) ?? {};
  } catch {
    // Offsets that a tool has set carry nothing of ours.
    return {};
  }
}
