/** The cumulative days before each month of a common year. */
const DAYS_BEFORE_MONTH: readonly number[] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_IN_MONTH: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_OF_0000_01_01 = -719_528;
const DAYS_OF_9999_12_31 = 2_932_896;
const DAY_MS = 86_400_000;
const DASH = 0x2d;

/** The days since 1970-01-01 of a real calendar date written YYYY-MM-DD; undefined for any other text. */
export function daysOfDate(text: string): number | undefined {
  if (text.length !== 10 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return undefined;
  const year = digit(text, 0) * 1000 + digit(text, 1) * 100 + digit(text, 2) * 10 + digit(text, 3);
  const month = digit(text, 5) * 10 + digit(text, 6);
  const day = digit(text, 8) * 10 + digit(text, 9);
  // A character that is no digit makes NaN, which fails every comparison.
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return undefined;
  return daysBeforeYear(year) + DAYS_BEFORE_MONTH[month - 1]! + (month > 2 && isLeap(year) ? 1 : 0) + day - 1;
}

/** The date, YYYY-MM-DD, that many days after 1970-01-01; undefined outside the years 0000 to 9999. */
export function dateOfDays(days: number): string | undefined {
  if (!(days >= DAYS_OF_0000_01_01 && days <= DAYS_OF_9999_12_31)) return undefined;
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

function digit(text: string, index: number): number {
  const value = text.charCodeAt(index) - 0x30;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const daysInMonth = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : DAYS_IN_MONTH[month - 1]!;

/** Days from 1970-01-01 to the first of January of a year; leap years are counted up to the year before. */
function daysBeforeYear(year: number): number {
  const before = year - 1;
  const leapYears = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  return year * 365 + leapYears + DAYS_OF_0000_01_01 + 1;
}
