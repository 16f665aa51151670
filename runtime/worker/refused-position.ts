import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { TopicPartition } from "../log/port.ts";

/** A position that the log refuses to read from. */
export interface RefusedPosition extends TopicPartition {
  /** The topic was deleted and made again. */
  readonly isReplaced: boolean;
}

/** What an error of `poll` says about a position; undefined if it is about something else. */
export function refusedPosition(error: unknown): RefusedPosition | undefined {
  if (!(error instanceof MulgilError)) return undefined;
  const isReplaced = error.code === "LOG_TOPIC_REPLACED";
  if (!isReplaced && error.code !== "LOG_OFFSET_OUT_OF_RANGE") return undefined;
  const { topic, partition } = error.context;
  return topic === undefined || partition === undefined ? undefined : { topic, partition, isReplaced };
}
