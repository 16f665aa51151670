import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { FetchedRecord, ProducerRecord } from "../log/port.ts";

/** Headers of a dead letter; the record's own headers stay beside them. */
export const DEAD_LETTER_HEADERS = {
  code: "mulgil.dlq.code",
  message: "mulgil.dlq.message",
  job: "mulgil.dlq.job",
  step: "mulgil.dlq.step",
  topic: "mulgil.dlq.topic",
  partition: "mulgil.dlq.partition",
  offset: "mulgil.dlq.offset",
  timestamp: "mulgil.dlq.timestamp",
  /** Of a record that was called for: how often, and in vain; from when to when (the dead letter's own timestamp). */
  attempts: "mulgil.dlq.attempts",
  firstCall: "mulgil.dlq.first-call",
  /** Present where no source record is at hand (a timer, a result sent at a commit): the value is then JSON, for people. */
  derived: "mulgil.dlq.derived",
} as const;

/** Headers of a record that was redriven; it keeps them when it comes to the DLQ again. */
export const REDRIVE_HEADERS = {
  /** The dead letter that it was: "orders.dlq/0/12". */
  letter: "mulgil.redrive",
  /** How often it has been redriven. */
  count: "mulgil.redrive.count",
} as const;

const MESSAGE_CHARACTERS_MAX = 1_000;

/** A record as it was fetched, and from where. */
export interface SourceRecord {
  readonly topic: string;
  readonly partition: number;
  readonly raw: FetchedRecord;
}

/** Calls that were made for a record. */
export interface CallHistory {
  readonly attempts: number;
  readonly firstCallMs: number | undefined;
}

export interface DeadLetterOrigin {
  readonly job: string;
  readonly step: string;
  readonly wallClockMs: number;
  readonly source: SourceRecord | undefined;
  readonly calls?: CallHistory | undefined;
}

/** The code that a dead letter is filed under: the error's own, or RECORD_FAILED for what user code throws without one. */
export function codeOf(error: unknown): string {
  if (error instanceof MulgilError) return error.code;
  return "RECORD_FAILED";
}

/** A record for the DLQ: the source record byte for byte, with where it came from and why it is here. */
export function deadLetter(origin: DeadLetterOrigin, error: unknown, key: unknown, value: unknown): ProducerRecord {
  const { source } = origin;
  const text = (content: string | number) => Buffer.from(String(content));
  const message = error instanceof Error ? error.message : String(error);
  return {
    key: source === undefined ? null : source.raw.key,
    value: source === undefined ? text(readable({ key, value })) : source.raw.value,
    timestampMs: origin.wallClockMs,
    headers: {
      ...source?.raw.headers,
      [DEAD_LETTER_HEADERS.code]: text(codeOf(error)),
      [DEAD_LETTER_HEADERS.message]: text(message.slice(0, MESSAGE_CHARACTERS_MAX)),
      [DEAD_LETTER_HEADERS.job]: text(origin.job),
      [DEAD_LETTER_HEADERS.step]: text(origin.step),
      ...(origin.calls !== undefined && {
        [DEAD_LETTER_HEADERS.attempts]: text(origin.calls.attempts),
        ...(origin.calls.firstCallMs !== undefined && {
          [DEAD_LETTER_HEADERS.firstCall]: text(Math.round(origin.calls.firstCallMs)),
        }),
      }),
      ...(source === undefined
        ? { [DEAD_LETTER_HEADERS.derived]: text("true") }
        : {
            [DEAD_LETTER_HEADERS.topic]: text(source.topic),
            [DEAD_LETTER_HEADERS.partition]: text(source.partition),
            [DEAD_LETTER_HEADERS.offset]: text(source.raw.offset),
            [DEAD_LETTER_HEADERS.timestamp]: text(source.raw.timestampMs),
          }),
    },
  };
}

function readable(content: unknown): string {
  try {
    return JSON.stringify(content, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  } catch {
    return "(not representable as JSON)";
  }
}
