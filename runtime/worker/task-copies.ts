import type { AssignmentData, MemberData } from "./member-data.ts";
import type { CopyStatus } from "./member-status.ts";
import { Standbys, type StandbysOptions } from "./standbys.ts";
import { LAG_ACCEPTABLE } from "./task-assignor.ts";

/** Warm-ups move together if they can: each move holds up the group. After this the ones that are warm no longer wait for those that are not. */
const WARM_UP_PATIENCE_MS = 60_000;

/** The state of tasks that a worker's disk holds: what the group is told of it, and which of it follows its changelog here. */
export class TaskCopies {
  readonly #options: StandbysOptions;
  #standbys: Standbys | undefined;
  /** Tasks that come here as soon as their copy here has caught up. */
  #warmups: readonly string[] = [];
  #warmupsDueAtMs = 0;
  /** Tasks of which the disk had state when this worker joined, or got it since. */
  readonly #onDisk = new Set<string>();

  constructor(options: StandbysOptions) {
    this.#options = options;
  }

  /** How many are kept up with their changelogs. */
  get standbys(): number {
    return this.#standbys?.lags.size ?? 0;
  }

  /** Those copies, and how far each is behind its changelog. */
  get lags(): readonly CopyStatus[] {
    return [...(this.#standbys?.lags ?? [])].map(([task, lag]) => ({ task, lag }));
  }

  /** Before its worker joins the group: `onDisk` are the tasks that the disk has state of. */
  open(onDisk: readonly string[]): void {
    for (const task of onDisk) this.#onDisk.add(task);
    this.#standbys ??= new Standbys(this.#options);
  }

  /** For the group: how far behind its disk's state of other tasks than these is. */
  besides(held: ReadonlySet<string>): MemberData["copies"] {
    const unknown = [...this.#onDisk].filter((task) => !held.has(task)).map((task) => [task, null]);
    return { ...Object.fromEntries(unknown), ...Object.fromEntries(this.#standbys?.lags ?? []) };
  }

  /** From now on keeps the copies that the group has asked for, and no others. */
  keep({ standbys, warmups }: AssignmentData): void {
    this.#standbys!.keep([...standbys, ...warmups]);
    for (const task of [...standbys, ...warmups]) this.#onDisk.add(task);
    this.#warmups = warmups;
    this.#warmupsDueAtMs = this.#options.environment.clock.now() + WARM_UP_PATIENCE_MS;
  }

  /** Resolves when the copy is closed and its directories are free: the task can start from them. */
  release(task: string): Promise<unknown> | undefined {
    return this.#standbys?.release(task);
  }

  /** From now on the disk has state of the task. */
  noteOnDisk(task: string): void {
    this.#onDisk.add(task);
  }

  /** True once, when all warm-ups have caught up, or some of them after a while: the group is asked once; whom it still does not give a task is told so with new warm-ups. */
  takeWarm(): boolean {
    if (this.#warmups.length === 0) return false;
    const { lags } = this.#standbys!;
    const cold = this.#warmups.filter((task) => (lags.get(task) ?? Infinity) > LAG_ACCEPTABLE);
    if (cold.length === this.#warmups.length) return false;
    if (cold.length > 0 && this.#options.environment.clock.now() < this.#warmupsDueAtMs) return false;
    this.#warmups = [];
    return true;
  }

  /** What the disk has stays known. */
  close(): Promise<void> | undefined {
    const standbys = this.#standbys;
    this.#standbys = undefined;
    this.#warmups = [];
    return standbys?.close();
  }
}
