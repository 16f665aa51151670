import type { LogAccess, ProducerRecord, TopicPartition, TopicSpec } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { dlqMarksTopicOf } from "../plan/internal-topics.ts";

/** What has become of a dead letter. "purged": it is not wanted any more, but lies behind one that is. */
export type DeadLetterMark = "redriven" | "purged";

/** Where a dead letter lies. */
export interface LetterPosition {
  readonly partition: number;
  readonly offset: number;
}

/** Which dead letters of a job have been dealt with. */
export class DeadLetterMarks {
  readonly #byPartition = new Map<number, Map<number, DeadLetterMark>>();

  of({ partition, offset }: LetterPosition): DeadLetterMark | undefined {
    return this.#byPartition.get(partition)?.get(offset);
  }

  set({ partition, offset }: LetterPosition, mark: DeadLetterMark | undefined): void {
    let marks = this.#byPartition.get(partition);
    if (marks === undefined) {
      marks = new Map();
      this.#byPartition.set(partition, marks);
    }
    if (mark === undefined) marks.delete(offset);
    else marks.set(offset, mark);
  }

  /** Those of letters that are gone: before the offset. */
  before({ partition, offset }: LetterPosition): readonly LetterPosition[] {
    const offsets = this.#byPartition.get(partition)?.keys() ?? [];
    return [...offsets].filter((each) => each < offset).map((each) => ({ partition, offset: each }));
  }
}

export const marksTopicSpec = (job: string): TopicSpec => ({
  topic: dlqMarksTopicOf(job),
  partitions: 1,
  config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 },
});

export const marksPartition = (job: string): TopicPartition => ({ topic: dlqMarksTopicOf(job), partition: 0 });

/**
 * The marks of a job's DLQ; none if nothing was ever dealt with.
 * @param incarnation of the DLQ: marks of one that was deleted say nothing of the letters that now lie at its offsets
 */
export async function readMarks(log: LogAccess, job: string, incarnation: string): Promise<DeadLetterMarks> {
  const marks = new DeadLetterMarks();
  const where = marksPartition(job);
  if (!(await log.describeTopics()).some(({ topic }) => topic === where.topic)) return marks;
  for (const { key, value } of await readPartition(log, where)) {
    const position = positionOf(key);
    if (position !== undefined) marks.set(position, markOf(value, incarnation));
  }
  return marks;
}

/** A mark as it is written; undefined takes it back. */
export function markRecord(
  position: LetterPosition,
  mark: { readonly mark: DeadLetterMark; readonly incarnation: string } | undefined,
  atMs: number,
): ProducerRecord {
  return {
    key: Buffer.from(JSON.stringify([position.partition, position.offset])),
    value: mark === undefined ? null : Buffer.from(JSON.stringify({ ...mark, atMs })),
    timestampMs: atMs,
  };
}

function positionOf(key: Buffer | null): LetterPosition | undefined {
  const parts = parsed(key);
  if (!Array.isArray(parts)) return undefined;
  const [partition, offset] = parts as readonly unknown[];
  return Number.isSafeInteger(partition) && Number.isSafeInteger(offset)
    ? { partition: partition as number, offset: offset as number }
    : undefined;
}

function markOf(value: Buffer | null, incarnation: string): DeadLetterMark | undefined {
  const read = parsed(value) as { readonly mark?: unknown; readonly incarnation?: unknown } | null | undefined;
  if (read?.incarnation !== incarnation) return undefined;
  return read.mark === "redriven" || read.mark === "purged" ? read.mark : undefined;
}

function parsed(bytes: Buffer | null): unknown {
  try {
    return JSON.parse(bytes?.toString("utf8") ?? "null");
  } catch {
    return undefined;
  }
}
