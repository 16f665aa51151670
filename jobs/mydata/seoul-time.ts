const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Korea has kept UTC+9 without summer time since 1988, and institutions hold nothing older. */
const OFFSET_MS = 9 * 3_600_000;
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Like "2026-01-31". */
export const dateOf = (timeMs: number): string => new Date(timeMs + OFFSET_MS).toISOString().slice(0, 10);

/** Like "2026-01". */
export const monthOf = (timeMs: number): string => dateOf(timeMs).slice(0, 7);

export const plusDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** The month behind one, both like "2026-01". */
export const monthAfter = (month: string): string => plusDays(`${month}-28`, 4).slice(0, 7);

/** When the week of a time began: Monday, midnight. */
export const weekStartOf = (timeMs: number): number =>
  timeMs - ((((timeMs + OFFSET_MS - FIRST_MONDAY_MS) % WEEK_MS) + WEEK_MS) % WEEK_MS);

/** When the day of a time began. */
export const dayStartOf = (timeMs: number): number => timeMs - ((((timeMs + OFFSET_MS) % DAY_MS) + DAY_MS) % DAY_MS);

/** A time written as "20260131090000"; undefined if there is none such. */
export function timeOf(stamp: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(stamp);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  const localMs = Date.UTC(year!, month! - 1, day, hour, minute, second);
  // The 31st of February would be some day of March; only what survives the way back exists.
  if (new Date(localMs).toISOString().replace(/[-:T]/g, "").slice(0, 14) !== stamp) return undefined;
  return localMs - OFFSET_MS;
}

/** A day written as "20260131", as "2026-01-31"; undefined if there is none such. */
export function calendarDateOf(text: string): string | undefined {
  const timeMs = timeOf(`${text}000000`);
  return timeMs === undefined ? undefined : dateOf(timeMs);
}

export { DAY_MS, WEEK_MS };
