import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { FetchedBatch, PartitionOffset, TopicPartition } from "../log/port.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { CommittedStore } from "./commit.ts";
import type { JobEvent } from "./job-event.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { dropExpired, openStores } from "./task-stores.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface StandbyTaskOptions {
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly subTopology: SubTopology;
  readonly partition: number;
}

interface Followed extends CommittedStore {
  /** Where the changelog ended when it was last heard of, as read_committed shows it; Infinity before that. */
  endOffset: number;
}

/**
 * A copy of the state of a task that somebody else runs:
 *
 *   closed ──open: restored──► following ──close──► closed
 *
 * It reads what is committed, and writes it with its position in one batch, so whoever starts the task here restores the rest and no more. It is
 * never read from: nothing of it is kept in memory.
 */
export class StandbyTask {
  readonly id: string;
  readonly #options: StandbyTaskOptions;
  readonly #abort = new AbortController();
  #stores: Followed[] | undefined;
  #isSuspect = false;
  /** What is under way with the stores, one thing after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: StandbyTaskOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  get isFollowing(): boolean {
    return this.#stores !== undefined;
  }

  /** Changelog records that the copy is behind, as last heard; null before it is restored. */
  get lag(): number | null {
    return this.#stores?.reduce((sum, followed) => sum + followed.endOffset - positionOf(followed), 0) ?? null;
  }

  /** Where to go on reading. */
  get positions(): readonly PartitionOffset[] {
    return (this.#stores ?? []).map((followed) => ({ ...followed.changelog, offset: positionOf(followed) }));
  }

  /** Restores the stores, as the start of a task does. */
  open(): Promise<void> {
    return this.#next(async () => {
      const { environment, runtime, subTopology, partition } = this.#options;
      const topics = await environment.log.describeTopics();
      const stores = await openStores({
        runtime,
        environment: { ...environment, onEvent: (event) => environment.onEvent(ofStandby(event)) },
        task: this.id,
        partition,
        stores: subTopology.stores,
        incarnations: new Map(topics.map(({ topic, incarnation }) => [topic, incarnation])),
        signal: this.#abort.signal,
        areSuspect: this.#isSuspect,
      });
      this.#isSuspect = false;
      this.#stores = stores.map((store) => ({ ...store, endOffset: Infinity }));
      // While the restore went on, so did the changelogs.
      const changelogs = stores.map(({ changelog }) => changelog);
      this.#hear(await environment.log.listOffsets(changelogs, "latest", "read_committed"));
    });
  }

  /** Writes what was read of one of its changelogs. */
  follow({ topic, records, nextOffset, endOffset }: FetchedBatch): Promise<void> {
    return this.#next(async () => {
      const followed = this.#stores?.find(({ changelog }) => changelog.topic === topic);
      if (followed === undefined || nextOffset <= positionOf(followed)) return;
      const { store, incarnation } = followed;
      followed.endOffset = Math.max(endOffset, nextOffset);
      // Tombstones behind a position are only kept for whoever was there within their time: on the way it keeps the age that it had.
      const writtenAtMs =
        nextOffset >= endOffset ? this.#options.environment.clock.now() : store.checkpoint!.writtenAtMs;
      await store.restore(
        records.map(({ key, value }) => ({ key: key!, value })),
        { nextOffset, incarnation, writtenAtMs },
      );
    });
  }

  /** Says that the changelogs, which ended there at that time, hold nothing new: the copy is not as old as it looks. Drops windows that have expired. */
  refresh(ends: readonly PartitionOffset[], atMs: number): Promise<void> {
    return this.#next(async () => {
      this.#hear(ends);
      for (const { store, changelog, incarnation } of this.#stores ?? []) {
        const end = endOf(changelog, ends);
        const { nextOffset, writtenAtMs } = store.checkpoint!;
        const planned = this.#options.subTopology.stores.find(({ name }) => name === store.name)!;
        dropExpired(planned, store);
        store.seal();
        await store.applySealed({
          nextOffset,
          incarnation,
          writtenAtMs: end !== undefined && nextOffset >= end.offset ? atMs : writtenAtMs,
        });
      }
    });
  }

  /** Closes the stores, so that they can be opened again: `isSuspect` if they could not be read. */
  async suspend(error: unknown): Promise<void> {
    this.#isSuspect ||= error instanceof MulgilError && error.code === "STATE_CORRUPTED";
    await this.#next(() => this.#closeStores());
  }

  /** Waits for the write under way, and no longer. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#work;
    await this.#closeStores();
  }

  #hear(ends: readonly PartitionOffset[]): void {
    for (const followed of this.#stores ?? []) {
      followed.endOffset = Math.max(positionOf(followed), endOf(followed.changelog, ends)?.offset ?? 0);
    }
  }

  async #closeStores(): Promise<void> {
    const stores = this.#stores ?? [];
    this.#stores = undefined;
    await Promise.allSettled(stores.map(({ store }) => store.close()));
  }

  #next(work: () => Promise<void>): Promise<void> {
    const result = this.#work.then(() => (this.isClosed ? undefined : work()));
    this.#work = result.catch(() => undefined);
    return result;
  }
}

const ofStandby = (event: JobEvent): JobEvent =>
  event.kind === "restoring" || event.kind === "restored" ? { ...event, standby: true } : event;

const endOf = (changelog: TopicPartition, ends: readonly PartitionOffset[]): PartitionOffset | undefined =>
  ends.find(({ topic, partition }) => topic === changelog.topic && partition === changelog.partition);

const positionOf = ({ store }: CommittedStore): number => store.checkpoint!.nextOffset;
