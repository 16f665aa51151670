import type { TopicDefinition } from "../dsl/topic.ts";
import { RecordError } from "../errors/errors.ts";
import type { FetchedRecord } from "../log/port.ts";
import { eventTimeFromHeaders } from "./output-buffer.ts";

/** Reads a record's event time in ms from its value or, by default, from its timestamp. */
export type EventTime = (value: unknown, record: FetchedRecord) => number;

/** Of internal topics: the timestamp, or the header that stands in for one that lies ahead of the clock. */
export const internalEventTime: EventTime = (_value, record) =>
  eventTimeFromHeaders(record.headers) ?? record.timestampMs;

/** @throws {RecordError} EVENT_TIME_INVALID from the returned function, if the value holds no time */
export function eventTimeOf(topic: TopicDefinition): EventTime {
  const { eventTime } = topic;
  if (eventTime === undefined) return (_value, record) => record.timestampMs;
  const read =
    typeof eventTime === "function"
      ? (eventTime as (value: unknown) => unknown)
      : (value: unknown) => (value as Readonly<Record<string, unknown>>)[eventTime];
  return (value, record) => {
    if (value === null) return record.timestampMs;
    const time = read(value);
    if (typeof time === "number" && Number.isFinite(time)) return Math.floor(time);
    // A date without a time of day counts as its midnight in UTC.
    const parsed = typeof time === "string" ? Date.parse(`${time}T00:00:00Z`) : Number.NaN;
    if (Number.isFinite(parsed)) return parsed;
    throw new RecordError(
      `the event time of a record of "${topic.name}" is ${String(time)}: it must be a finite number of ms`,
      { code: "EVENT_TIME_INVALID" },
    );
  };
}
