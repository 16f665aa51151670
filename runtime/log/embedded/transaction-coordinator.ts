import type { Clock } from "../../time/clock.ts";
import type { CommittedOffsets, GroupOffset } from "./committed-offsets.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { LogCounters } from "./log-counters.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { Append } from "./record-checks.ts";
import { fencedProducer, transactionStatus } from "./refusals.ts";
import { type Change, together } from "./storage.ts";
import type { Marker } from "./stored-batch.ts";
import { idleWrite, type TransactionalId, type TransactionContent, transactionWrite } from "./transaction-record.ts";
import type { WriteQueue } from "./write-queue.ts";

export interface TransactionServices {
  readonly queue: WriteQueue;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly counters: LogCounters;
  readonly offsets: CommittedOffsets;
  readonly transactionTimeoutMs: number;
  /** Told after a transaction ended in a partition. */
  onEnded(log: PartitionLog): void;
}

/** Who uses a transactional id: valid while no later owner has opened it and no transaction of it timed out. */
export interface ProducerLease {
  readonly id: string;
  readonly epoch: number;
}

/** Runs transactions as Kafka's coordinator does; the states stand in transaction-record.ts. */
export class TransactionCoordinator {
  readonly #services: TransactionServices;
  readonly #entries = new Map<string, TransactionalId>();
  /** Those with an open transaction, the oldest first. */
  readonly #open = new Set<TransactionalId>();

  constructor(services: TransactionServices) {
    this.#services = services;
    services.lifecycle.onClose(() => {
      for (const { status } of this.#open) if (status.name === "open") status.cancelTimeout();
    });
  }

  /** Takes the id over: fences the former owner, and ends its transaction, before it resolves. */
  async open(id: string): Promise<ProducerLease> {
    const isNew = !this.#entries.has(id);
    const entry = this.#entries.get(id) ?? this.#create(id);
    entry.epoch += 1;
    const lease = { id, epoch: entry.epoch };
    while (entry.status.name === "ending") await entry.status.finished;
    if (entry.status.name === "open") {
      await this.#abort(entry);
    } else {
      const writes = isNew ? [idleWrite(entry), this.#services.counters.write()] : [idleWrite(entry)];
      await this.#services.queue.submit({ writes, apply() {} });
    }
    return lease;
  }

  /** @throws TaskMigratedError LOG_FENCED */
  assertCurrent({ id, epoch }: ProducerLease): TransactionalId {
    this.expire();
    const entry = this.#entries.get(id);
    if (entry?.epoch !== epoch) throw fencedProducer(id);
    return entry;
  }

  /** Appends to the transaction; the first append to a partition enters it, in the same change. Returns the first offsets. */
  async produce(lease: ProducerLease, appends: readonly Append[]): Promise<readonly number[]> {
    const entry = this.assertCurrent(lease);
    const open = this.#begun(entry);
    const known = open.partitions.size;
    const changes: Change[] = [];
    const baseOffsets = appends.map(([log, records]) => {
      if (records.length === 0) return log.status.endOffset;
      const append = log.append(records, entry.producerId);
      if (!open.partitions.has(log)) open.partitions.set(log, append.baseOffset);
      changes.push(append);
      return append.baseOffset;
    });
    if (open.partitions.size > known) {
      changes.push({ writes: [transactionWrite(entry, "open", open.startedAtMs, open)], apply() {} });
    }
    await this.#services.queue.submit(together(changes));
    return baseOffsets;
  }

  /** Kept in memory until the decision: whatever ends this process first also ends the transaction. */
  sendOffsets(lease: ProducerLease, offsets: readonly GroupOffset[]): void {
    this.#begun(this.assertCurrent(lease)).offsets.push(...offsets);
  }

  async commit(lease: ProducerLease): Promise<void> {
    const entry = this.assertCurrent(lease);
    if (entry.status.name === "open") await this.#commit(entry);
    else if (entry.status.name === "ending") throw transactionStatus(entry.id, "commit", "it is ending already");
  }

  async abort(lease: ProducerLease): Promise<void> {
    const entry = this.assertCurrent(lease);
    if (entry.status.name === "open") await this.#abort(entry);
    else if (entry.status.name === "ending") throw transactionStatus(entry.id, "abort", "it is ending already");
  }

  /** Aborts and fences what has been open for too long. Called by a timer, and on every access. */
  expire(): void {
    for (const entry of this.#open) {
      if (entry.status.name !== "open") continue;
      if (entry.status.startedAtMs + this.#services.transactionTimeoutMs > this.#services.clock.now()) return;
      entry.epoch += 1;
      // A failed write is remembered by the queue, which refuses every later call with it.
      void this.#abort(entry).catch(() => undefined);
    }
  }

  /** Who has a transaction open under a producer id. */
  openBy(producerId: number): { readonly transactionalId: string; readonly startedAtMs: number } | undefined {
    for (const { id, producerId: own, status } of this.#open)
      if (own === producerId && status.name === "open") return { transactionalId: id, startedAtMs: status.startedAtMs };
    return undefined;
  }

  /** The transactional id behind a producer id. */
  idOf(producerId: number): string | undefined {
    for (const entry of this.#entries.values()) if (entry.producerId === producerId) return entry.id;
    return undefined;
  }

  /** Enters what was stored: an open transaction waits for its owner or its time-out, a decided one is completed. */
  async restore(
    entry: Pick<TransactionalId, "id" | "producerId" | "epoch">,
    transaction?: TransactionContent & { readonly status: "open" | "committing"; readonly startedAtMs: number },
  ): Promise<void> {
    const restored: TransactionalId = { ...entry, status: { name: "idle" } };
    this.#entries.set(entry.id, restored);
    if (transaction === undefined) return;
    if (transaction.status === "committing") await this.#finish(restored, "commit", transaction);
    else this.#enterOpen(restored, transaction.startedAtMs, transaction);
  }

  #create(id: string): TransactionalId {
    const entry: TransactionalId = {
      id,
      producerId: this.#services.counters.takeProducerId(),
      epoch: 0,
      status: { name: "idle" },
    };
    this.#entries.set(id, entry);
    return entry;
  }

  #begun(entry: TransactionalId) {
    if (entry.status.name === "ending") throw transactionStatus(entry.id, "write", "its transaction is ending");
    if (entry.status.name === "open") return entry.status;
    return this.#enterOpen(entry, this.#services.clock.now(), { partitions: new Map(), offsets: [] });
  }

  #enterOpen(entry: TransactionalId, startedAtMs: number, content: TransactionContent) {
    const { clock, transactionTimeoutMs } = this.#services;
    const remainingMs = Math.max(0, startedAtMs + transactionTimeoutMs - clock.now());
    const cancelTimeout = clock.after(remainingMs, () => this.expire());
    const { partitions, offsets } = content;
    const status = { name: "open", startedAtMs, partitions, offsets, cancelTimeout } as const;
    entry.status = status;
    this.#open.add(entry);
    return status;
  }

  /** Leaves "open"; whoever opens the id meanwhile waits for the returned function. */
  #enterEnding(entry: TransactionalId): () => void {
    if (entry.status.name === "open") entry.status.cancelTimeout();
    this.#open.delete(entry);
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.status = { name: "ending", finished: promise };
    return resolve;
  }

  async #commit(entry: TransactionalId): Promise<void> {
    const content = entry.status as Extract<TransactionalId["status"], { name: "open" }>;
    const finished = this.#enterEnding(entry);
    try {
      const decision = transactionWrite(entry, "committing", content.startedAtMs, content);
      await this.#services.queue.submit({ writes: [decision], apply() {} });
      await this.#finish(entry, "commit", content);
    } finally {
      finished();
    }
  }

  /** One change: it happens entirely or not at all, and "open" on the disk ends as aborted in any case. */
  async #abort(entry: TransactionalId): Promise<void> {
    const content = entry.status as Extract<TransactionalId["status"], { name: "open" }>;
    const finished = this.#enterEnding(entry);
    try {
      await this.#services.lifecycle.track(() => this.#finish(entry, "abort", content));
    } finally {
      finished();
    }
  }

  #finish(entry: TransactionalId, marker: Marker, { partitions, offsets }: TransactionContent): Promise<void> {
    const changes: Change[] = [];
    for (const [log, firstOffset] of partitions) {
      if (!log.isDeleted) changes.push(log.appendMarker(entry.producerId, marker, firstOffset));
    }
    if (marker === "commit") changes.push(this.#services.offsets.commit(offsets));
    const apply = () => {
      entry.status = { name: "idle" };
      for (const log of partitions.keys()) this.#services.onEnded(log);
    };
    return this.#services.queue.submit(together([...changes, { writes: [idleWrite(entry)], apply }]));
  }
}
