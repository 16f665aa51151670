import { createHash } from "node:crypto";
import { DAY_MS, dayStartOf, WEEK_MS, weekStartOf } from "./seoul-time.ts";

/** "HH:MM" in Asia/Seoul; one that ends before it begins goes over midnight. "24:00" is the end of a day. */
export interface DayWindow {
  readonly from: string;
  readonly to: string;
}

interface Part {
  readonly startMs: number;
  readonly endMs: number;
}

const MINUTE_MS = 60_000;

/**
 * When the scheduled collection of one customer at one institution is next due, behind a time: once in every week from Monday on, always at the same time of the week,
 * inside the institution's windows. Which time follows from the hash of the subject: customers are spread evenly.
 */
export function nextSlotMs(subject: string, windows: readonly DayWindow[], afterMs: number): number {
  const inWeekMs = slotInWeekMs(subject, partsOf(windows));
  const slotMs = weekStartOf(afterMs) + inWeekMs;
  return slotMs > afterMs ? slotMs : slotMs + WEEK_MS;
}

/** Until when scheduled calls are refused; undefined: they are answered now. */
export function closedUntilMs(windows: readonly DayWindow[], nowMs: number): number | undefined {
  const dayStartMs = dayStartOf(nowMs);
  const inDayMs = nowMs - dayStartMs;
  const parts = partsOf(windows);
  if (parts.some(({ startMs, endMs }) => inDayMs >= startMs && inDayMs < endMs)) return undefined;
  const starts = parts.map(({ startMs }) => (startMs > inDayMs ? startMs : startMs + DAY_MS));
  return dayStartMs + Math.min(...starts);
}

function slotInWeekMs(subject: string, parts: readonly Part[]): number {
  const openMs = parts.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const place = createHash("sha256").update(subject).digest().readUInt32BE() / 2 ** 32;
  const day = Math.floor(place * 7);
  let restMs = Math.floor((place * 7 - day) * openMs);
  for (const { startMs, endMs } of parts) {
    if (restMs < endMs - startMs) return day * DAY_MS + startMs + restMs;
    restMs -= endMs - startMs;
  }
  return day * DAY_MS + parts[0]!.startMs;
}

/** A window over midnight is two parts of a day. */
const partsOf = (windows: readonly DayWindow[]): readonly Part[] =>
  windows
    .flatMap(({ from, to }) => {
      const [startMs, endMs] = [msOf(from), msOf(to)];
      return startMs < endMs
        ? [{ startMs, endMs }]
        : [
            { startMs, endMs: DAY_MS },
            { startMs: 0, endMs },
          ];
    })
    .filter(({ startMs, endMs }) => startMs < endMs);

const msOf = (time: string): number => (Number(time.slice(0, 2)) * 60 + Number(time.slice(3))) * MINUTE_MS;
