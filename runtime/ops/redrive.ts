import type { LogAccess, ProduceBatch, ProducerRecord, TopicPartition, TransactionalProducer } from "../log/port.ts";
import { dlqTopicOf } from "../plan/internal-topics.ts";
import { replayHeaders } from "../resilience/replay-headers.ts";
import { REDRIVE_HEADERS } from "../worker/dead-letter.ts";
import {
  type DeadLetterMark,
  type DeadLetterMarks,
  type LetterPosition,
  markRecord,
  marksPartition,
  marksTopicSpec,
  readMarks,
} from "./dead-letter-marks.ts";
import { type DeadLetter, ownHeaders } from "./dead-letters.ts";

/** A dead letter on its way back. */
export interface Redriven {
  readonly letter: DeadLetter;
  readonly to: TopicPartition;
  /** What the record says now. */
  readonly value: Buffer | null;
}

/**
 * Deals with the dead letters of one job: what is written, and the mark that it was, are one transaction. Who opens it ends the work of whoever had it before,
 * and knows all that was done until then; so a letter goes back once, however often somebody begins anew.
 */
export class DeadLetterDesk {
  readonly marks: DeadLetterMarks;
  readonly #job: string;
  readonly #incarnation: string;
  readonly #producer: TransactionalProducer;

  private constructor(job: string, incarnation: string, producer: TransactionalProducer, marks: DeadLetterMarks) {
    this.#job = job;
    this.#incarnation = incarnation;
    this.#producer = producer;
    this.marks = marks;
  }

  /** @param incarnation of the DLQ */
  static async open(log: LogAccess, job: string, incarnation: string): Promise<DeadLetterDesk> {
    await log.ensureTopics([marksTopicSpec(job)]);
    // Only behind the fence nobody adds marks any more.
    const producer = await log.openTransactionalProducer(`mulgil.redrive.${dlqTopicOf(job)}`);
    return new DeadLetterDesk(job, incarnation, producer, await readMarks(log, job, incarnation));
  }

  /** Writes letters back, all of them or none. @throws TaskMigratedError if somebody else has opened the desk since */
  async redrive(letters: readonly Redriven[], atMs: number): Promise<void> {
    const batches = new Map<string, ProducerRecord[]>();
    const targets = new Map<string, TopicPartition>();
    for (const redriven of letters) {
      const { to } = redriven;
      const key = JSON.stringify([to.topic, to.partition]);
      targets.set(key, to);
      const records = batches.get(key) ?? [];
      batches.set(key, records);
      records.push(redrivenRecord(redriven));
    }
    const written = [...batches].map(([key, records]) => ({ ...targets.get(key)!, records }));
    await this.#transact(
      written,
      letters.map(({ letter }) => letter),
      "redriven",
      atMs,
    );
  }

  /** Marks letters as not wanted any more. */
  async purge(letters: readonly LetterPosition[], atMs: number): Promise<void> {
    await this.#transact([], letters, "purged", atMs);
  }

  /** Takes back the marks of letters that are gone: those before the offset. */
  async forgetBefore(position: LetterPosition, atMs: number): Promise<void> {
    await this.#transact([], this.marks.before(position), undefined, atMs);
  }

  async #transact(
    batches: readonly ProduceBatch[],
    letters: readonly LetterPosition[],
    mark: DeadLetterMark | undefined,
    atMs: number,
  ): Promise<void> {
    if (letters.length === 0) return;
    const written = mark === undefined ? undefined : { mark, incarnation: this.#incarnation };
    const records = letters.map((letter) => markRecord(letter, written, atMs));
    await this.#producer.begin();
    await this.#producer.produce([...batches, { ...marksPartition(this.#job), records }]);
    await this.#producer.commit();
    for (const letter of letters) this.marks.set(letter, mark);
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

/** The record as it was, but for what was mended, and with where it has been. */
function redrivenRecord({ letter, value }: Redriven): ProducerRecord {
  const { topic, partition, offset, redrives, source } = letter;
  const place = `${topic}/${partition}/${offset}`;
  return {
    key: letter.key,
    value,
    timestampMs: source!.timestampMs,
    headers: {
      ...ownHeaders(letter.headers),
      ...replayHeaders({ id: `redrive ${place}`, from: source!, hasEffects: true }),
      [REDRIVE_HEADERS.letter]: Buffer.from(place),
      [REDRIVE_HEADERS.count]: Buffer.from(String(redrives + 1)),
    },
  };
}
