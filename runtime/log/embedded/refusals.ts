import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../../errors/errors.ts";
import type { TopicPartition } from "../port.ts";
import { nearestNames } from "./nearest-names.ts";

/** Every error the embedded log raises on purpose, in one place: what happened, to which thing, what to do now. */

const at = ({ topic, partition }: TopicPartition): string => `topic "${topic}" partition ${partition}`;
const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

export function unknownTopic(topic: string, known: Iterable<string>): MulgilError {
  const near = nearestNames(topic, known);
  const hint = near.length === 0 ? "" : ` (similar: ${quoted(near)})`;
  return new MulgilError(
    `topic "${topic}" does not exist${hint}; topics are never created by use: correct the name, or create it with ensureTopics`,
    { code: "LOG_UNKNOWN_TOPIC", context: { topic } },
  );
}

export const unknownPartition = (topic: string, partition: number, partitions: number): MulgilError =>
  new MulgilError(
    `topic "${topic}" has no partition ${partition}: it has ${partitions}, numbered from 0; choose the partition with the topic's own count`,
    { code: "LOG_UNKNOWN_PARTITION", context: { topic, partition } },
  );

export const partitionsDiffer = (topic: string, existing: number, wanted: number): MulgilError =>
  new MulgilError(
    `topic "${topic}" has ${existing} partitions but ${wanted} are asked for; the number of a topic cannot change, because keys would move: ask for ${existing}, or delete the topic and fill it again`,
    { code: "LOG_PARTITIONS", context: { topic } },
  );

export const invalidTopic = (topic: string, why: string): MulgilError =>
  new MulgilError(
    `topic "${topic}" cannot be created: ${why}; use 1 to 249 letters, digits, ".", "_" and "-", and 1 to 10,000 partitions`,
    { code: "LOG_INVALID_TOPIC", context: { topic } },
  );

export function offsetOutOfRange(where: TopicPartition, position: number, start: number, end: number): MulgilError {
  const why = position < start ? "those records were removed" : "nothing was written there yet";
  return new MulgilError(
    `${at(where)}: position ${position} is outside ${start} to ${end}: ${why}; list the earliest or latest offset and start from there`,
    {
      code: "LOG_OFFSET_OUT_OF_RANGE",
      context: { topic: where.topic, partition: where.partition, offset: position },
    },
  );
}

export const topicReplaced = ({ topic, partition }: TopicPartition): MulgilError =>
  new MulgilError(
    `topic "${topic}" was deleted and made again while it was read, so the position in partition ${partition} means nothing any more; decide where to start in the new one`,
    { code: "LOG_TOPIC_REPLACED", context: { topic, partition } },
  );

export const timestampRefused = (where: TopicPartition, index: number, timestampMs: number, why: string): MulgilError =>
  new MulgilError(
    `${at(where)}: the timestamp ${timestampMs} of record ${index} of the batch ${why}, and nothing of the call was written; correct the record's event time`,
    { code: "LOG_TIMESTAMP_REFUSED", context: { topic: where.topic, partition: where.partition } },
  );

export const keyRequired = (where: TopicPartition, index: number): MulgilError =>
  new MulgilError(
    `${at(where)}: record ${index} of the batch has no key, but the topic is compacted, and nothing of the call was written; give the record a key`,
    { code: "LOG_KEY_REQUIRED", context: { topic: where.topic, partition: where.partition } },
  );

export const corrupt = (where: TopicPartition, offset: number, why: string, cause?: unknown): MulgilError =>
  new MulgilError(
    `${at(where)}: the stored batch at offset ${offset} is damaged (${why}); restore the data directory from a copy, or remove the damaged records with deleteRecords beyond it`,
    { code: "LOG_CORRUPT", context: { topic: where.topic, partition: where.partition, offset }, cause },
  );

export const fencedProducer = (transactionalId: string): TaskMigratedError =>
  new TaskMigratedError(
    `transactional id "${transactionalId}" has a newer owner, or its transaction timed out; drop what it was doing, and open the producer again if this process still owns the task`,
    { code: "LOG_FENCED" },
  );

export const fencedMember = (groupId: string, memberId: string): TaskMigratedError =>
  new TaskMigratedError(
    `member "${memberId}" is no longer in the current generation of group "${groupId}", so its offsets were not committed; drop the tasks and poll again to rejoin`,
    { code: "LOG_FENCED" },
  );

export const transactionStatus = (transactionalId: string, action: string, found: string): MulgilError =>
  new MulgilError(
    `transactional id "${transactionalId}" cannot ${action}: ${found}; a transaction is begin, then produce and sendOffsets, then commit or abort, each awaited`,
    { code: "LOG_TRANSACTION_STATUS" },
  );

export const groupProtocol = (groupId: string, used: string, offered: string): MulgilError =>
  new MulgilError(
    `group "${groupId}" assigns with "${used}" but this member offers "${offered}"; members of a group need the same assignor: stop the others first, or use another group id`,
    { code: "LOG_GROUP_PROTOCOL" },
  );

export const groupNotEmpty = (groupId: string, cause?: unknown): MulgilError =>
  new MulgilError(
    `group "${groupId}" has members, so it cannot be deleted: stop them first; one that was killed counts until its session is over`,
    { code: "LOG_GROUP_NOT_EMPTY", cause },
  );

export const notAssigned = (groupId: string, where: TopicPartition): MulgilError =>
  new MulgilError(
    `${at(where)} is not assigned to this member of group "${groupId}", so it cannot seek it; seek only what onAssigned handed over`,
    { code: "LOG_NOT_ASSIGNED", context: { topic: where.topic, partition: where.partition } },
  );

export const concurrentPoll = (): MulgilError =>
  new MulgilError("poll was called while another poll of the same reader is running; await the first one", {
    code: "LOG_CONCURRENT_POLL",
  });

export const closed = (what: string): MulgilError =>
  new MulgilError(`the ${what} is closed; open it again to use it`, { code: "LOG_CLOSED" });

export const storageFailed = (cause: unknown): MulgilError =>
  new MulgilError(
    `the embedded log cannot write (${cause instanceof Error ? cause.message : String(cause)}); it takes no more calls: check free disk space and permissions of the data directory, then start again`,
    { code: "DATA_DIR_UNUSABLE", cause },
  );
