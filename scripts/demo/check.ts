/** One thing that must add up. */
export interface Check {
  readonly what: string;
  /** What was counted. */
  readonly found: string;
  /** Empty: it adds up. */
  readonly problems: readonly string[];
}

const EXAMPLES_MAX = 3;

/** "12 requests have no end: a, b, c, …"; nothing if there are none. */
export function problemOf(what: string, ids: readonly string[]): readonly string[] {
  if (ids.length === 0) return [];
  const more = ids.length > EXAMPLES_MAX ? ", …" : "";
  return [`${ids.length} ${what}: ${ids.slice(0, EXAMPLES_MAX).join(", ")}${more}`];
}
