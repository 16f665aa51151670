import type { ApiType } from "../../schemas/types/mydata/collection-request.ts";
import { dateOf, plusDays } from "./seoul-time.ts";

/** Institutions book late, and days end while they are collected. */
const OVERLAP_DAYS = 3;
const FIRST_DAYS = 90;
/** What the standard allows in one call. */
const SCHEDULED_DAYS_MAX = 31;
const OTHER_DAYS_MAX = 366;

export interface DateRange {
  readonly fromDate: string;
  readonly toDate: string;
}

/**
 * The days to ask for: from where the last success ended, with an overlap, and as far as one call may go. What is beyond that comes with the next request, so that
 * no day is left out.
 */
export function nextRange(coveredTo: string | null, apiType: ApiType, nowMs: number): DateRange {
  const today = dateOf(nowMs);
  const daysMax = apiType === "scheduled" ? SCHEDULED_DAYS_MAX : OTHER_DAYS_MAX;
  const firstDays = Math.min(daysMax, FIRST_DAYS);
  const fromDate = coveredTo === null ? plusDays(today, 1 - firstDays) : plusDays(coveredTo, -OVERLAP_DAYS);
  const start = earlier(fromDate, today);
  return { fromDate: start, toDate: earlier(plusDays(start, daysMax - 1), today) };
}

const earlier = (date: string, other: string): string => [date, other].sort()[0]!;
