import { type DurationCounts, DurationHistogram } from "../time/duration-histogram.ts";

const COMMIT_BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/** Plain counters of a job in this process, over all its workers; read by whoever shows them. */
export class JobMetrics {
  readonly job: string;
  recordsIn = 0;
  recordsOut = 0;
  late = 0;
  deadLetters = 0;
  /** Records of calls that were dropped because a later one had succeeded. */
  superseded = 0;
  /** Records of calls that were dropped because somebody is to be forgotten. */
  erased = 0;
  /** Replayed records that ended at a call, because nobody was to be called for them. */
  effectsSkipped = 0;
  commits = 0;
  gaps = 0;
  skipped = 0;
  restoredEntries = 0;
  // Private, for the counters above are copied as they are into what is told of a job.
  readonly #commitDurations = new DurationHistogram(COMMIT_BOUNDS_MS);
  #commitFailures = 0;

  constructor(job: string) {
    this.job = job;
  }

  /** Of those that succeeded. */
  get commitDurations(): DurationCounts {
    return this.#commitDurations;
  }

  get commitFailures(): number {
    return this.#commitFailures;
  }

  committed(durationMs: number): void {
    this.commits++;
    this.#commitDurations.add(durationMs);
  }

  commitFailed(): void {
    this.#commitFailures++;
  }
}
