import type { CommittedOffset, FetchedBatch, PartitionOffset, TopicPartition } from "../log/port.ts";
import type { Receive } from "../operators/operator.ts";
import type { InputMeasures } from "./measures.ts";
import type { AwaitedSchema, RecordQueue } from "./record-queue.ts";

/** One input partition, and what takes its records. */
export interface Input {
  /** The topic that its records are of: not that of the queue where they are processed once more. */
  readonly topic: string;
  readonly queue: RecordQueue;
  readonly receive: Receive;
  /** Its records are processed once more, when nothing else can be. */
  readonly isReplay: boolean;
}

/** What has been fetched of an input and waits to be processed; beyond the limits no more is fetched until half of it is gone. */
export interface Backlog extends TopicPartition {
  readonly records: number;
  readonly bytes: number;
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** How far an input is. */
export interface InputExtent extends TopicPartition {
  /** Behind what was processed. */
  readonly position: number;
  /** Behind what was committed, or where it began. */
  readonly committed: number;
  /** As of the last fetch. */
  readonly endOffset: number;
}

/** The inputs of a task: what waits in them, which of them is next, and how far they are processed and committed. */
export interface Inputs {
  readonly partitions: readonly TopicPartition[];
  readonly fetchPositions: readonly PartitionOffset[];
  /** Records that were fetched and not processed. */
  readonly waiting: number;
  /** Those of them whose time has not come; they are in the log as ever. */
  readonly notDue: number;
  readonly backlogs: readonly Backlog[];
  readonly measures: readonly InputMeasures[];
  /** Something was processed that no commit covers. */
  readonly haveMoved: boolean;
  /** Up to where topics that the job makes for itself have been committed: nobody needs what lies before. */
  readonly purgeable: readonly PartitionOffset[];
  /** How far each is, in their order. */
  readonly extents: readonly InputExtent[];
  /** A record somewhere in what was fetched needs a schema that is not here yet. */
  readonly missesSchema: boolean;
  /** The schema that the head has waited for longest which waits for one; undefined if none does. */
  readonly awaited: AwaitedSchema | undefined;
  /** Resolves when all schemas that the records need are here; they may be processed as far as they are. Rejects if one can never be had. */
  accept(batch: FetchedBatch): Promise<void>;
  /** The input whose head is next; undefined if none is for now. */
  pick(): Input | undefined;
  /** When a record that waits for its time is due; Infinity if none waits for that. */
  readonly nextDueMs: number;
  /** What a commit of all that was processed commits. `sequence` is its number. */
  offsets(sequence: number): readonly CommittedOffset[];
  /** The commit of these offsets is done. */
  markCommitted(offsets: readonly PartitionOffset[]): void;
  /** Lets go of what was fetched. */
  close(): void;
}
