import type { Clock } from "../time/clock.ts";
import { CommitWindow } from "./commit-window.ts";
import type { Inputs } from "./inputs.ts";
import type { InputStatus } from "./member-status.ts";
import type { StartPosition } from "./start-positions.ts";

/** How far the inputs of a task were at its last turns to commit. */
export class TaskProgress {
  readonly #inputs: Pick<Inputs, "extents">;
  readonly #clock: Clock;
  readonly #positions: readonly StartPosition[];
  readonly #windows: ReadonlyMap<string, CommitWindow>;

  constructor(options: {
    readonly inputs: Pick<Inputs, "extents">;
    readonly positions: readonly StartPosition[];
    readonly commitEveryMs: number;
    readonly clock: Clock;
  }) {
    const { inputs, positions, commitEveryMs, clock } = options;
    this.#inputs = inputs;
    this.#positions = positions;
    this.#clock = clock;
    this.#windows = new Map(inputs.extents.map(({ topic }) => [topic, new CommitWindow(commitEveryMs)]));
    this.note();
  }

  /** A turn to commit is over. */
  note(): void {
    const atMs = this.#clock.now();
    for (const { topic, committed, endOffset } of this.#inputs.extents)
      this.#windows.get(topic)!.add({ offset: committed, lag: Math.max(0, endOffset - committed), atMs });
  }

  get inputs(): readonly InputStatus[] {
    return this.#inputs.extents.map((extent) => ({
      ...extent,
      setByOthers: this.#positions.find(({ topic, isSetByOthers }) => topic === extent.topic && isSetByOthers)?.offset,
      commits: this.#windows.get(extent.topic)!.samples,
    }));
  }
}
