import { RecordError } from "../errors/errors.ts";

/** Windows are computed for times in ±250,000 years: beyond, calendars end. */
const TIME_MAX_MS = 8e15;

export const isTime = (timestampMs: number): boolean => timestampMs >= -TIME_MAX_MS && timestampMs <= TIME_MAX_MS;

export const timestampInvalid = (timestampMs: number) =>
  new RecordError(`${timestampMs} is no time that a window can hold: check the event time of the source`, {
    code: "TIMESTAMP_INVALID",
  });
