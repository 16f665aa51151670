import { Temporal } from "temporal-polyfill";
import type { CalendarUnit } from "../dsl/windows.ts";
import type { WindowAssigner } from "./window-assigner.ts";

interface CalendarWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly label: string;
  readonly date: Temporal.PlainDate;
  next: CalendarWindow | undefined;
}

const HOUR_MS = 3_600_000;
/** Shorter than any window, so that a slot of time touches two windows at most (a day that the zone leaves out is no window). */
const SLOT_MS: Record<CalendarUnit, number> = {
  day: 12 * HOUR_MS,
  week: 100 * HOUR_MS,
  month: 600 * HOUR_MS,
  year: 8_000 * HOUR_MS,
};
const SLOTS_MAX = 4096;

/**
 * Days, ISO weeks, months and years of a time zone: from the first instant of a local date to that of the date one unit on. So a day
 * has 23, 24 or 25 hours, and where the clocks skip midnight it begins at 01:00. Where they fall back over midnight, the repeated
 * last hour of a day belongs to the next: windows never interleave.
 */
export class CalendarWindows implements WindowAssigner {
  readonly isPartition = true;
  readonly #unit: CalendarUnit;
  readonly #zone: string;
  readonly #slotMs: number;
  /** By slot of time: the window in which the slot begins. */
  #slots = new Map<number, CalendarWindow>();
  #last: CalendarWindow;

  constructor(options: { readonly unit: CalendarUnit; readonly zone: string }) {
    this.#unit = options.unit;
    this.#zone = options.zone;
    this.#slotMs = SLOT_MS[options.unit];
    this.#last = this.#compute(0);
  }

  firstStart(timeMs: number): number {
    return this.#at(timeMs).startMs;
  }

  nextStart(startMs: number): number {
    return this.#at(startMs).endMs;
  }

  endOf(startMs: number): number {
    return this.#at(startMs).endMs;
  }

  labelOf(startMs: number): string {
    return this.#at(startMs).label;
  }

  #at(timeMs: number): CalendarWindow {
    let window = this.#last;
    if (timeMs >= window.startMs && timeMs < window.endMs) return window;
    const slot = Math.floor(timeMs / this.#slotMs);
    window = this.#slots.get(slot) ?? this.#addSlot(slot);
    while (timeMs >= window.endMs) window = this.#after(window);
    this.#last = window;
    return window;
  }

  #addSlot(slot: number): CalendarWindow {
    if (this.#slots.size >= SLOTS_MAX) this.#slots = new Map();
    const window = this.#compute(slot * this.#slotMs);
    this.#slots.set(slot, window);
    return window;
  }

  #compute(timeMs: number): CalendarWindow {
    const local = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(this.#zone);
    let window = this.#starting(firstDate(local.toPlainDate(), this.#unit));
    // In an hour that the clocks repeat, the local date may be that of the window before.
    while (timeMs >= window.endMs) window = this.#after(window);
    return window;
  }

  #starting(date: Temporal.PlainDate): CalendarWindow {
    const next = date.add(ONE[this.#unit]);
    return {
      startMs: this.#beginning(date),
      endMs: this.#beginning(next),
      label: label(date, this.#unit),
      date,
      next: undefined,
    };
  }

  #after(window: CalendarWindow): CalendarWindow {
    if (window.next === undefined) {
      let date = window.date.add(ONE[this.#unit]);
      let next = this.#starting(date);
      // A date that the zone leaves out altogether, as when it crosses the date line.
      while (next.endMs <= next.startMs) {
        date = date.add(ONE[this.#unit]);
        next = this.#starting(date);
      }
      window.next = next;
    }
    return window.next;
  }

  #beginning(date: Temporal.PlainDate): number {
    return date.toZonedDateTime(this.#zone).epochMilliseconds;
  }
}

const ONE: Record<CalendarUnit, { days: number } | { weeks: number } | { months: number } | { years: number }> = {
  day: { days: 1 },
  week: { weeks: 1 },
  month: { months: 1 },
  year: { years: 1 },
};

function firstDate(date: Temporal.PlainDate, unit: CalendarUnit): Temporal.PlainDate {
  switch (unit) {
    case "day":
      return date;
    case "week":
      return date.subtract({ days: date.dayOfWeek - 1 });
    case "month":
      return date.with({ day: 1 });
    case "year":
      return date.with({ month: 1, day: 1 });
  }
}

function label(date: Temporal.PlainDate, unit: CalendarUnit): string {
  const text = date.toString();
  switch (unit) {
    case "day":
      return text;
    case "week":
      return `${String(date.yearOfWeek).padStart(4, "0")}-W${String(date.weekOfYear).padStart(2, "0")}`;
    case "month":
      return text.slice(0, -"-01".length);
    case "year":
      return text.slice(0, -"-01-01".length);
  }
}
