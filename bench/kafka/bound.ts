import type { TopicLoad } from "./read-topic.ts";
import { type Cost, Stopwatch } from "./stopwatch.ts";

export interface BoundSettings {
  readonly client: "kafkajs" | "own";
  readonly bootstrap: string;
  /** Of its own, so that it starts at the beginning. */
  readonly groupId: string;
  readonly source: string;
  readonly records: number;
  readonly warmUpRecords: number;
  /** What is written while the source is read; nothing where only reading is measured. */
  readonly outputs: readonly OutputLoad[];
}

export interface OutputLoad {
  readonly topic: string;
  readonly load: TopicLoad;
}

export interface BoundMessage {
  readonly kind: "measured";
  readonly cost: Cost;
}

/** Counts what was read, and takes the time from the end of the warm-up on. */
export class Progress {
  read = 0;
  readonly #settings: BoundSettings;
  #stopwatch: Stopwatch | undefined;
  #readAtStart = 0;

  constructor(settings: BoundSettings) {
    this.#settings = settings;
  }

  add(records: number): void {
    this.read += records;
    if (this.#stopwatch !== undefined || this.read < this.#settings.warmUpRecords) return;
    this.#stopwatch = new Stopwatch();
    this.#readAtStart = this.read;
  }

  get isComplete(): boolean {
    return this.read >= this.#settings.records;
  }

  /** What the records behind the warm-up took until now. A batch may reach over its end, so it is reckoned from those after that batch. */
  cost(): Cost {
    const { records, warmUpRecords } = this.#settings;
    const { seconds, cpuSeconds } = this.#stopwatch!.cost;
    const share = (records - warmUpRecords) / (records - this.#readAtStart);
    return { seconds: seconds * share, cpuSeconds: cpuSeconds * share };
  }
}

/** Says how many records of an output are due for what has been read by now. */
export class Due {
  readonly output: OutputLoad;
  readonly #recordsPerRead: number;
  #given = 0;

  constructor(output: OutputLoad, recordsRead: number) {
    this.output = output;
    this.#recordsPerRead = output.load.records / recordsRead;
  }

  waiting(read: number): number {
    return Math.round(read * this.#recordsPerRead) - this.#given;
  }

  give(records: number): void {
    this.#given += records;
  }
}
