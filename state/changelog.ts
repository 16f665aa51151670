import type { ChangelogRecord } from "./store.ts";

/** What state needs of the log to read a changelog partition back; runtime supplies it. */
export interface ChangelogReader {
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: string;
  /** The first offset that exists, and the end under read_committed, at the time of opening. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** The next records from `offset` on; `nextOffset` counts markers, so it always moves until it reaches endOffset. */
  read(offset: number): Promise<{ readonly records: readonly ChangelogRecord[]; readonly nextOffset: number }>;
}

/** One that holds something of the log until it is closed. */
export interface ClosableReader extends ChangelogReader {
  close(): Promise<void>;
}
