/** How far an input was when its task had its turn to commit. */
export interface CommitSample {
  /** Behind what was committed. */
  readonly offset: number;
  /** Records behind it, as far as was known then. Counts markers. */
  readonly lag: number;
  readonly atMs: number;
}

/** So many samples make a window; it is what a verdict looks at. */
export const WINDOW_SAMPLES = 10;
const SAMPLE_EVERY_MIN_MS = 1_000;

/** How far apart the samples of a window are: a job's commits, but no closer than a second. */
export const sampleEveryMs = (commitEveryMs: number): number => Math.max(SAMPLE_EVERY_MIN_MS, commitEveryMs);

/** How much time a whole window is about. */
export const windowMs = (commitEveryMs: number): number => (WINDOW_SAMPLES - 1) * sampleEveryMs(commitEveryMs);

/**
 * The last turns of a task to commit, for one input. A turn at which nothing had moved counts too: who is at the end of an input and who stands
 * still have their turns; who is held by a function or a commit that does not end has none.
 */
export class CommitWindow {
  readonly #everyMs: number;
  readonly #samples: CommitSample[] = [];

  constructor(commitEveryMs: number) {
    this.#everyMs = sampleEveryMs(commitEveryMs);
  }

  /** Oldest first. */
  get samples(): readonly CommitSample[] {
    return [...this.#samples];
  }

  add(sample: CommitSample): void {
    const samples = this.#samples;
    // The newest one stands for all since the one before it, until it is far enough from that.
    if (samples.length > 1 && samples.at(-1)!.atMs - samples.at(-2)!.atMs < this.#everyMs) samples.pop();
    samples.push(sample);
    if (samples.length > WINDOW_SAMPLES) samples.shift();
  }
}
