import { CompactionPass, needsCompaction } from "./compaction.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { MaintenanceServices } from "./maintenance-services.ts";
import type { PartitionLog } from "./partition-log.ts";
import { purge } from "./purge.ts";
import { expireBatches, expires } from "./retention.ts";

export interface MaintenanceOptions {
  /** Bytes that one call reads. @default 64 MiB */
  readonly bytesMax?: number;
}

export interface MaintenanceReport {
  /** Nothing is left to do now; otherwise call again soon. */
  readonly isComplete: boolean;
}

const BYTES_MAX = 64 * 1024 * 1024;
/** A compacted partition starts compaction by itself only when this much is new. */
const AUTOMATIC_COMPACTION_BYTES_MIN = 1024 * 1024;

/** Compaction, retention and purging. One piece runs at a time, because each moves or removes stored batches. */
export class Maintenance {
  readonly #services: MaintenanceServices;
  readonly #lifecycle: Lifecycle;
  readonly #partitions: () => Iterable<PartitionLog>;
  readonly #toPurge = new Set<PartitionLog>();
  readonly #passes = new Map<PartitionLog, CompactionPass>();
  /** Per partition: no batch expires before, unless the start moves. */
  readonly #expiryDue = new WeakMap<PartitionLog, { readonly startOffset: number; readonly dueMs: number }>();
  readonly #requested = new Set<PartitionLog>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(services: MaintenanceServices, lifecycle: Lifecycle, partitions: () => Iterable<PartitionLog>) {
    this.#services = services;
    this.#lifecycle = lifecycle;
    this.#partitions = partitions;
  }

  /** A partition was loaded whose start had moved; what lies before it may not have been removed. */
  loaded(log: PartitionLog): void {
    if (log.startOffset > 0) this.#toPurge.add(log);
  }

  /** Does what is due, within a bound. */
  run({ bytesMax = BYTES_MAX }: MaintenanceOptions = {}): Promise<MaintenanceReport> {
    return this.#oneAtATime(async () => {
      const left = await this.#compact(await this.#expire(bytesMax));
      await this.#purge();
      return { isComplete: left > 0 };
    });
  }

  /** The start of a partition has moved: frees the disk soon. */
  startMoved(log: PartitionLog): void {
    if (this.#toPurge.has(log)) return;
    this.#toPurge.add(log);
    this.#inBackground(() => this.#purge());
  }

  /** Records were added: compacts soon if more than half is new. */
  appended(log: PartitionLog): void {
    if (!log.isCompacted || this.#requested.has(log)) return;
    const { dirtyBytes } = log.status;
    if (dirtyBytes < AUTOMATIC_COMPACTION_BYTES_MIN || !needsCompaction(log, this.#services.now())) return;
    this.#requested.add(log);
    this.#inBackground(async () => {
      this.#requested.delete(log);
      await this.#compactOne(log, Number.POSITIVE_INFINITY);
    });
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lifecycle.track(() => this.#last.then(work));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** A failure shows again in the next call of `run`, or is a failed write, which every later call reports. */
  #inBackground(work: () => Promise<void>): void {
    void this.#oneAtATime(work).catch(() => undefined);
  }

  async #purge(): Promise<void> {
    for (const log of this.#toPurge) {
      if (this.#lifecycle.isClosed) return;
      this.#toPurge.delete(log);
      await purge(log, this.#services);
    }
  }

  async #expire(bytesMax: number): Promise<number> {
    return this.#each(bytesMax, async (log, left) => {
      if (!expires(log) || !this.#mayExpire(log)) return 0;
      const { bytesRead, hasMoved, nextDueMs } = await expireBatches(log, left, this.#services);
      if (hasMoved) this.#toPurge.add(log);
      if (nextDueMs !== undefined) this.#expiryDue.set(log, { startOffset: log.startOffset, dueMs: nextDueMs });
      return bytesRead;
    });
  }

  #mayExpire(log: PartitionLog): boolean {
    const known = this.#expiryDue.get(log);
    return known === undefined || known.startOffset !== log.startOffset || known.dueMs <= this.#services.now();
  }

  #compact(bytesMax: number): Promise<number> {
    return this.#each(bytesMax, (log, left) => this.#compactOne(log, left));
  }

  /** Returns the bytes it read. */
  async #compactOne(log: PartitionLog, bytesMax: number): Promise<number> {
    let bytesRead = 0;
    let pass = this.#passes.get(log);
    if (pass === undefined) {
      if (!needsCompaction(log, this.#services.now())) return 0;
      pass = new CompactionPass(log, this.#services);
      this.#passes.set(log, pass);
    }
    try {
      while (bytesRead < bytesMax && !pass.isDone && !this.#lifecycle.isClosed) bytesRead += await pass.step();
    } catch (error) {
      this.#passes.delete(log);
      throw error;
    }
    if (pass.isDone) this.#passes.delete(log);
    return bytesRead;
  }

  /** Works through the partitions within a bound; one that is damaged does not keep the others from it. Returns what is left. */
  async #each(bytesMax: number, work: (log: PartitionLog, bytesMax: number) => Promise<number>): Promise<number> {
    const failures: unknown[] = [];
    let left = bytesMax;
    for (const log of [...this.#partitions()]) {
      if (left <= 0 || this.#lifecycle.isClosed) break;
      try {
        left -= await work(log, left);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return left;
  }
}
