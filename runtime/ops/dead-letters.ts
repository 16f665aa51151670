import type { FetchedRecord, Headers, TopicPartition } from "../log/port.ts";
import { DEAD_LETTER_HEADERS, REDRIVE_HEADERS } from "../worker/dead-letter.ts";

/** Where a dead letter came from. */
export interface DeadLetterSource extends TopicPartition {
  readonly offset: number;
  readonly timestampMs: number;
}

/** A record of a DLQ, read. Key and value are the bytes of the record that could not be processed. */
export interface DeadLetter extends FetchedRecord, TopicPartition {
  readonly code: string;
  readonly message: string;
  readonly job: string;
  readonly step: string;
  /** Undefined where there was no record (a timer, a result sent at a commit), or where the headers do not say. */
  readonly source: DeadLetterSource | undefined;
  /** Of a record that was called for. */
  readonly attempts: number | undefined;
  readonly firstCallMs: number | undefined;
  /** How often the record has been redriven before it came here. */
  readonly redrives: number;
}

/** Stands for what the headers do not say: somebody else has written to the DLQ. */
const UNKNOWN = "?";

/** Reads a record of a DLQ. Never throws: what is missing is "?" or undefined. */
export function deadLetterOf(record: FetchedRecord & TopicPartition): DeadLetter {
  const text = (name: string) => record.headers?.[name]?.toString("utf8");
  return {
    ...record,
    code: text(DEAD_LETTER_HEADERS.code) ?? UNKNOWN,
    message: text(DEAD_LETTER_HEADERS.message) ?? "",
    job: text(DEAD_LETTER_HEADERS.job) ?? UNKNOWN,
    step: text(DEAD_LETTER_HEADERS.step) ?? UNKNOWN,
    source: sourceOf(record.headers),
    attempts: count(record.headers, DEAD_LETTER_HEADERS.attempts),
    firstCallMs: count(record.headers, DEAD_LETTER_HEADERS.firstCall),
    redrives: count(record.headers, REDRIVE_HEADERS.count) ?? 0,
  };
}

/** The headers that the record had before it came to the DLQ. */
export function ownHeaders(headers: Headers | undefined): Headers {
  const own = Object.entries(headers ?? {}).filter(([name]) => !name.startsWith(PREFIX));
  return Object.fromEntries(own);
}

const PREFIX = "mulgil.dlq.";

function sourceOf(headers: Headers | undefined): DeadLetterSource | undefined {
  const topic = headers?.[DEAD_LETTER_HEADERS.topic]?.toString("utf8");
  const partition = count(headers, DEAD_LETTER_HEADERS.partition);
  const offset = count(headers, DEAD_LETTER_HEADERS.offset);
  const timestampMs = count(headers, DEAD_LETTER_HEADERS.timestamp);
  if (topic === undefined || partition === undefined || offset === undefined || timestampMs === undefined)
    return undefined;
  return { topic, partition, offset, timestampMs };
}

function count(headers: Headers | undefined, name: string): number | undefined {
  const text = headers?.[name]?.toString("utf8") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
