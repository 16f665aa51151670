import ms, { type StringValue } from "ms";

/** A duration as people write it: "10 minutes", "30 days", "1.5 h". */
export type Duration = string;

/** Parses a duration into ms. @returns undefined if the text is no duration */
export function parseDuration(text: Duration): number | undefined {
  if (typeof text !== "string" || text.trim() === "" || /^[\d.\s-]+$/.test(text)) return undefined;
  const value = ms(text.trim() as StringValue) as number | undefined;
  return value === undefined || !Number.isFinite(value) ? undefined : Math.round(value);
}

/** A duration as people read it, rounded to its largest unit: "431 days". */
export const formatDuration = (durationMs: number): string => ms(durationMs, { long: true });
