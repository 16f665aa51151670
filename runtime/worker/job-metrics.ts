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

  constructor(job: string) {
    this.job = job;
  }
}
