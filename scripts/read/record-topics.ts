import { PARCEL_HEADER, unpackParcel } from "../../runtime/resilience/parcel.ts";
import { DEAD_LETTER_HEADERS } from "../../runtime/worker/dead-letter.ts";
import type { ReadRecord } from "./read-topic.ts";

export interface RecordTopics {
  /** Where it was written first: a dead letter, or a record that is to be called for again, has the key and the value of that topic. */
  readonly origin: string;
  /** The topic that it lies on, and its origin. */
  readonly all: readonly string[];
}

export function topicsOf(record: ReadRecord): RecordTopics {
  const origin = record.headers?.[DEAD_LETTER_HEADERS.topic]?.toString("utf8") ?? topicOfParcel(record) ?? record.topic;
  return { origin, all: origin === record.topic ? [origin] : [record.topic, origin] };
}

function topicOfParcel({ headers, key, value }: ReadRecord): string | undefined {
  const label = headers?.[PARCEL_HEADER];
  if (label === undefined) return undefined;
  try {
    return unpackParcel(label, { key, value, headers: undefined }).topic;
  } catch {
    // Anybody can write such a header.
    return undefined;
  }
}
