/** Korea has kept UTC+9 without summer time since 1988, and nothing here is older. */
const OFFSET_MS = 9 * 3_600_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** `yyyyMMddHHmmss`. Every item of a page has one, so it is put together as a number: 14 digits are exact. */
export function stampOf(timeMs: number): string {
  const date = new Date(timeMs + OFFSET_MS);
  const day = (date.getUTCFullYear() * 100 + date.getUTCMonth() + 1) * 100 + date.getUTCDate();
  return String(((day * 100 + date.getUTCHours()) * 100 + date.getUTCMinutes()) * 100 + date.getUTCSeconds());
}

/** `yyyyMMdd`. */
export const dateOf = (timeMs: number): string => stampOf(timeMs).slice(0, 8);

/** The start of a day written as `yyyyMMdd`; undefined if there is no such day. */
export function startOfDate(date: string): number | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(date);
  if (parts === null) return undefined;
  const startMs = Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) - OFFSET_MS;
  return dateOf(startMs) === date ? startMs : undefined;
}

/** Months are counted from the year 0, so that the next one is one more. */
export function monthAt(timeMs: number): number {
  const date = new Date(timeMs + OFFSET_MS);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

export const startOfMonth = (month: number): number => Date.UTC(Math.floor(month / 12), month % 12, 1) - OFFSET_MS;

export const daysInMonth = (month: number): number => (startOfMonth(month + 1) - startOfMonth(month)) / DAY_MS;

/** `yyyyMM`. */
export const monthText = (month: number): string =>
  `${Math.floor(month / 12)}${String((month % 12) + 1).padStart(2, "0")}`;

/** A month written as `yyyyMM`; undefined if there is no such month. */
export function monthOf(text: string): number | undefined {
  const parts = /^(\d{4})(0[1-9]|1[0-2])$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * 12 + Number(parts[2]) - 1;
}

/** Weeks begin on Monday. */
export const weekAt = (timeMs: number): number => Math.floor((timeMs + OFFSET_MS - FIRST_MONDAY_MS) / WEEK_MS);

export const startOfWeek = (week: number): number => week * WEEK_MS + FIRST_MONDAY_MS - OFFSET_MS;

/** How far a day has gone. */
export const msOfDay = (timeMs: number): number => (timeMs + OFFSET_MS) % DAY_MS;
