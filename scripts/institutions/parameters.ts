import { RefusedRequest } from "./refused-request.ts";
import type { Resource } from "./resource.ts";
import { responseCode } from "./response-code.ts";
import { monthOf, startOfDate, startOfMonth } from "./seoul-time.ts";

/** What came in the path, the query and the body, by name. */
export type Parameters = Readonly<Record<string, unknown>>;

/** Start inclusive, end exclusive. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

const DAY_MS = 86_400_000;
const LIMIT_MAX = 500;
const SCHEDULED_DAYS_MAX = 31;
const DAYS_MAX = 366;
const MONTHS_MAX = 13;

/** A text; numbers count as one. Undefined if it is absent, null or empty. */
export function textOf(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new RefusedRequest(responseCode.badParameter, `${name} must be one text`);
}

export function requiredTextOf(parameters: Parameters, name: string): string {
  const value = textOf(parameters, name);
  if (value === undefined) throw new RefusedRequest(responseCode.badParameter, `${name} is missing`);
  return value;
}

export function limitOf(parameters: Parameters): number {
  const value = textOf(parameters, "limit");
  if (value === undefined) return LIMIT_MAX;
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw new RefusedRequest(responseCode.badParameter, "limit must be a whole number from 1 on");
  if (Number(value) > LIMIT_MAX)
    throw new RefusedRequest(responseCode.beyondLimit, `limit must be at most ${LIMIT_MAX}`);
  return Number(value);
}

/** Only the first page has one. */
export function searchTimestampOf(parameters: Parameters): string | undefined {
  const value = textOf(parameters, "search_timestamp");
  if (value === undefined) return undefined;
  if (!/^(0|\d{14})$/.test(value))
    throw new RefusedRequest(responseCode.badParameter, "search_timestamp must be yyyyMMddHHmmss or 0");
  if (textOf(parameters, "next_page") !== undefined)
    throw new RefusedRequest(responseCode.badParameter, "search_timestamp is for the first page only");
  return value;
}

/** The range that a resource wants; all time where it wants none. */
export function rangeOf(parameters: Parameters, range: Resource["range"], isScheduled: boolean): TimeRange {
  if (range === undefined) return { fromMs: 0, toMs: Infinity };
  return range === "dates" ? dateRangeOf(parameters, isScheduled) : monthRangeOf(parameters);
}

function dateRangeOf(parameters: Parameters, isScheduled: boolean): TimeRange {
  const fromMs = parsedOf(parameters, "from_date", "yyyyMMdd", startOfDate);
  const toMs = parsedOf(parameters, "to_date", "yyyyMMdd", startOfDate) + DAY_MS;
  refuseReversed(fromMs, toMs);
  const daysMax = isScheduled ? SCHEDULED_DAYS_MAX : DAYS_MAX;
  if ((toMs - fromMs) / DAY_MS > daysMax)
    throw new RefusedRequest(
      responseCode.beyondLimit,
      `the range must be at most ${daysMax} days${isScheduled ? " for scheduled calls" : ""}`,
    );
  return { fromMs, toMs };
}

function monthRangeOf(parameters: Parameters): TimeRange {
  const first = parsedOf(parameters, "from_month", "yyyyMM", monthOf);
  const last = parsedOf(parameters, "to_month", "yyyyMM", monthOf);
  refuseReversed(first, last + 1);
  if (last + 1 - first > MONTHS_MAX)
    throw new RefusedRequest(responseCode.beyondLimit, `the range must be at most ${MONTHS_MAX} months`);
  return { fromMs: startOfMonth(first), toMs: startOfMonth(last + 1) };
}

function parsedOf(
  parameters: Parameters,
  name: string,
  format: string,
  parse: (text: string) => number | undefined,
): number {
  const parsed = parse(requiredTextOf(parameters, name));
  if (parsed === undefined) throw new RefusedRequest(responseCode.badParameter, `${name} must be ${format}`);
  return parsed;
}

function refuseReversed(from: number, to: number): void {
  if (to <= from) throw new RefusedRequest(responseCode.badParameter, "the range ends before it begins");
}
