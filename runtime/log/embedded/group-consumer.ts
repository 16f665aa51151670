import type { Clock } from "../../time/clock.ts";
import { NO_ASSIGNMENT } from "../no-assignment.ts";
import type {
  CommittedOffset,
  FetchedBatch,
  GroupConsumer,
  GroupOptions,
  PartitionOffset,
  TopicPartition,
} from "../port.ts";
import type { CommittedOffsets } from "./committed-offsets.ts";
import type { Fetcher } from "./fetcher.ts";
import type { Group, Member } from "./group.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { closed, concurrentPoll, fencedMember, notAssigned } from "./refusals.ts";
import type { TopicCatalog } from "./topic-catalog.ts";
import type { TransactionCoordinator } from "./transaction-coordinator.ts";
import type { WriteQueue } from "./write-queue.ts";

export interface GroupServices {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly catalog: TopicCatalog;
  readonly queue: WriteQueue;
  readonly offsets: CommittedOffsets;
  readonly transactions: TransactionCoordinator;
  /** A member id that was never used. */
  memberId(clientId: string): string;
}

const SESSION_TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 60_000;

/**
 * One consumer of a group. What the group decides reaches it inside poll, in this order:
 *
 *     outside --join--> waiting --onAssigned--> assigned --onRebalance, rejoin--> waiting
 *        ^                 |                       |
 *        +---- onLost -----+-----------------------+
 */
export class EmbeddedGroupConsumer implements GroupConsumer {
  readonly #services: GroupServices;
  readonly #options: GroupOptions;
  readonly #group: Group;
  readonly #fetcher: Fetcher;
  readonly #stopWatching: () => void;
  #member: Member | undefined;
  #memberId = "";
  #generation = 0;
  /** Between onAssigned and rejoining. */
  #owned: readonly TopicPartition[] = [];
  /** Between the first onAssigned and onLost. */
  #hasBeenAssigned = false;
  #isClosed = false;
  #isPolling = false;

  constructor(services: GroupServices, options: GroupOptions, group: Group, fetcher: Fetcher) {
    this.#services = services;
    this.#options = options;
    this.#group = group;
    this.#fetcher = fetcher;
    this.#stopWatching = services.lifecycle.onClose(() => fetcher.wake());
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generation(): number {
    return this.#generation;
  }

  async poll(waitMaxMs: number): Promise<readonly FetchedBatch[]> {
    this.#assertOpen();
    if (this.#isPolling) throw concurrentPoll();
    this.#isPolling = true;
    try {
      return await this.#poll(this.#services.clock.now() + waitMaxMs);
    } finally {
      this.#isPolling = false;
    }
  }

  async heartbeat(): Promise<boolean> {
    this.#assertOpen();
    const member = this.#current();
    if (member === undefined) return false;
    this.#group.touch(member);
    return !this.#group.mustRejoin(member);
  }

  seek(positions: readonly PartitionOffset[]): void {
    this.#assertOpen();
    for (const position of positions) {
      if (!this.#fetcher.has(position)) throw notAssigned(this.#options.groupId, position);
    }
    for (const position of positions) this.#fetcher.assign(position, position.offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#assertOpen();
    for (const partition of partitions) this.#fetcher.setPaused(partition, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#assertOpen();
    for (const partition of partitions) this.#fetcher.setPaused(partition, false);
  }

  requestRebalance(): void {
    this.#assertOpen();
    const member = this.#current();
    if (member !== undefined) this.#group.requestRebalance(member);
  }

  commit(offsets: readonly CommittedOffset[]): Promise<void> {
    return this.#services.lifecycle.run(async () => {
      this.#assertOpen();
      const { catalog, offsets: committed, queue } = this.#services;
      const member = this.#current();
      if (member === undefined || this.#generation === 0 || this.#generation !== this.#group.generation) {
        throw fencedMember(this.#options.groupId, this.#memberId);
      }
      this.#group.touch(member);
      const checked = offsets.map((offset) => ({
        groupId: this.#options.groupId,
        log: catalog.require(offset),
        offset: offset.offset,
        metadata: offset.metadata,
      }));
      await queue.submit(committed.commit(checked));
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatching();
    if (this.#member !== undefined) this.#group.leave(this.#member);
    this.#fetcher.clear();
    this.#fetcher.wake();
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#services.lifecycle.isClosed;
  }

  /** The member, if the group still has it. */
  #current(): Member | undefined {
    this.#group.expire();
    return this.#member !== undefined && this.#group.has(this.#member) ? this.#member : undefined;
  }

  async #poll(deadlineMs: number): Promise<readonly FetchedBatch[]> {
    const { lifecycle, transactions } = this.#services;
    while (!this.#isOver) {
      await this.#followGroup();
      if (this.#isOver) break;
      transactions.expire();
      const batches = await lifecycle.track(() => this.#fetcher.fetch());
      if (batches.length > 0) return batches;
      if (!(await this.#waitAsMember(deadlineMs))) return batches;
    }
    return [];
  }

  async #waitAsMember(deadlineMs: number): Promise<boolean> {
    const member = this.#member!;
    member.isWaiting = true;
    try {
      return await this.#fetcher.wait(deadlineMs);
    } finally {
      member.isWaiting = false;
      this.#group.touch(member);
    }
  }

  /** Takes the steps that the group asks for, until there is none; the callbacks run here. */
  async #followGroup(): Promise<void> {
    while (!this.#isOver) {
      const member = this.#current();
      if (member === undefined) {
        this.#leaveBehind();
        this.#join();
        continue;
      }
      this.#group.touch(member);
      if (this.#group.mustRejoin(member)) await this.#rejoin(member);
      else if (this.#group.isAssigned(member) && member.generation > this.#generation) await this.#takeOver(member);
      else return;
    }
  }

  /** The group has removed this member. */
  #leaveBehind(): void {
    const failure = this.#member?.failure;
    this.#member = undefined;
    this.#owned = [];
    this.#fetcher.clear();
    if (this.#hasBeenAssigned) {
      this.#hasBeenAssigned = false;
      this.#options.listener.onLost();
    }
    if (failure !== undefined) throw failure;
  }

  #join(): void {
    const { clientId, topics, assignor, listener } = this.#options;
    const member: Member = {
      memberId: this.#services.memberId(clientId),
      clientId,
      topics,
      assignor,
      sessionTimeoutMs: this.#options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS,
      wake: () => this.#fetcher.wake(),
      userData: listener.userData(),
      lastSeenMs: this.#services.clock.now(),
      isWaiting: false,
      hasJoined: false,
      generation: 0,
      assignment: NO_ASSIGNMENT,
      failure: undefined,
    };
    this.#generation = 0;
    this.#memberId = member.memberId;
    this.#member = member;
    this.#group.join(member);
  }

  async #rejoin(member: Member): Promise<void> {
    if (this.#owned.length > 0) {
      await this.#options.listener.onRebalance();
      this.#owned = [];
      if (this.#isOver || this.#current() !== member) return;
    }
    this.#fetcher.clear();
    this.#group.rejoin(member, this.#options.listener.userData());
  }

  async #takeOver(member: Member): Promise<void> {
    this.#generation = member.generation;
    this.#owned = member.assignment.partitions;
    this.#hasBeenAssigned = true;
    for (const partition of this.#owned) this.#fetcher.assign(partition, undefined);
    await this.#options.listener.onAssigned(member.assignment, member.generation);
  }

  #assertOpen(): void {
    this.#services.lifecycle.assertOpen();
    if (this.#isClosed) throw closed("group consumer");
  }
}
