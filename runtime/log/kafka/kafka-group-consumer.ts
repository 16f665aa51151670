import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../time/clock.ts";
import { closed, concurrentPoll, fencedMember, notAssigned } from "../embedded/refusals.ts";
import type {
  CommittedOffset,
  FetchedBatch,
  GroupConsumer,
  GroupListener,
  PartitionOffset,
  TopicPartition,
} from "../port.ts";
import { kindOf } from "./broker-errors.ts";
import type { Connections } from "./connections.ts";
import { Fetcher, type FetcherOptions } from "./fetcher.ts";
import type { MemberIdentity, Membership, Place } from "./membership.ts";
import { Wake } from "./wake.ts";

export interface ConsumerOptions extends Omit<FetcherOptions, "onReady"> {
  readonly groupId: string;
  readonly clock: Clock;
  readonly connections: Connections;
  readonly membership: Membership;
  readonly listener: GroupListener;
  readonly sessionTimeoutMs: number;
  readonly isLogClosed: () => boolean;
  readonly onClosed: (consumer: KafkaGroupConsumer) => void;
}

/**
 *   outside ──join──► joining ──placed──► placed ──onAssigned──► assigned ──onRebalance──► joining
 *      ▲                 │                                          │
 *      └──── failed ─────┘◄──────────────── onLost (removed) ───────┘
 *
 * A join runs beside the polls, for it waits for the other members; its outcome is taken over in a poll.
 */
type Status =
  | { readonly name: "outside" }
  | { readonly name: "joining" }
  | { readonly name: "placed"; readonly place: Place }
  | { readonly name: "failed"; readonly error: unknown }
  | { readonly name: "assigned"; readonly place: Place; mustRejoin: boolean; isRemoved: boolean };

/** A member learns of a rebalance by a heartbeat, and the others wait for it that long. */
const HEARTBEAT_EVERY_MAX_MS = 1_000;

/**
 * One consumer of a group. Everything the group decides reaches the caller inside `poll`. Heartbeats are sent while a poll runs, callbacks
 * included, and by `heartbeat`; between polls there are none, so a caller that is stuck loses its membership as it should.
 */
export class KafkaGroupConsumer implements GroupConsumer {
  readonly #options: ConsumerOptions;
  readonly #fetcher: Fetcher;
  readonly #wake: Wake;
  readonly #heartbeatEveryMs: number;
  #status: Status = { name: "outside" };
  #identity: MemberIdentity = { memberId: "" };
  #generation = 0;
  /** Since the last onLost. */
  #hasBeenAssigned = false;
  #heartbeatAtMs = 0;
  #beating: Promise<void> | undefined;
  #isPolling = false;
  #isClosed = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#wake = new Wake(options.clock);
    this.#fetcher = new Fetcher({ ...options, onReady: () => this.#wake.wake() });
    this.#heartbeatEveryMs = Math.min(HEARTBEAT_EVERY_MAX_MS, options.sessionTimeoutMs / 10);
  }

  get memberId(): string {
    return this.#identity.memberId;
  }

  get generation(): number {
    return this.#generation;
  }

  async poll(waitMaxMs: number): Promise<readonly FetchedBatch[]> {
    this.#assertOpen();
    if (this.#isPolling) throw concurrentPoll();
    this.#isPolling = true;
    const stopBeating = this.#keepBeating();
    try {
      return await this.#poll(this.#options.clock.now() + waitMaxMs);
    } finally {
      stopBeating();
      this.#isPolling = false;
    }
  }

  async heartbeat(): Promise<boolean> {
    this.#assertOpen();
    await this.#beat();
    const status = this.#status;
    return status.name === "assigned" && !status.mustRejoin && !status.isRemoved;
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
    if (this.#status.name !== "assigned") return;
    this.#status.mustRejoin = true;
    this.#wake.wake();
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    this.#assertOpen();
    const status = this.#status;
    if (status.name !== "assigned" || status.isRemoved) throw fencedMember(this.#options.groupId, this.memberId);
    await this.#options.membership.commit(status.place, offsets);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fetcher.close();
    this.#wake.wake();
    this.#options.onClosed(this);
    await this.#options.membership.leave(this.memberId);
    await this.#options.connections.close();
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#options.isLogClosed();
  }

  async #poll(deadlineMs: number): Promise<readonly FetchedBatch[]> {
    while (!this.#isOver) {
      await this.#followGroup();
      if (this.#isOver) break;
      const batches = this.#status.name === "assigned" ? this.#fetcher.take() : [];
      if (batches.length > 0) return batches;
      const leftMs = deadlineMs - this.#options.clock.now();
      if (leftMs <= 0) {
        // A caller that polls without waiting must not keep the answers from coming in.
        await nextTurn();
        return [];
      }
      await this.#wake.wait(leftMs);
    }
    return [];
  }

  /** Takes the steps that the group asks for, until there is none; the callbacks run here. */
  async #followGroup(): Promise<void> {
    while (!this.#isOver) {
      const status = this.#status;
      switch (status.name) {
        case "outside":
          this.#join();
          break;
        case "joining":
          return;
        case "failed":
          this.#status = { name: "outside" };
          throw status.error;
        case "placed":
          await this.#takeOver(status.place);
          break;
        case "assigned":
          if (status.isRemoved) this.#leaveBehind();
          else if (status.mustRejoin) await this.#rejoin(status.place);
          else return;
      }
    }
  }

  #join(): void {
    this.#status = { name: "joining" };
    const { membership, listener } = this.#options;
    const joining = membership.join(this.#identity, listener.userData());
    joining
      .then(
        (place) => this.#placed(place),
        (error: unknown) => {
          this.#status = { name: "failed", error };
        },
      )
      .finally(() => this.#wake.wake());
  }

  #placed(place: Place): void {
    this.#status = { name: "placed", place };
    this.#heartbeatAtMs = this.#options.clock.now() + this.#heartbeatEveryMs;
    // The group must not keep a member that was closed while it joined.
    if (this.#isClosed) void this.#options.membership.leave(place.memberId);
  }

  async #takeOver(place: Place): Promise<void> {
    this.#status = { name: "assigned", place, mustRejoin: false, isRemoved: false };
    this.#generation = place.generation;
    this.#hasBeenAssigned = true;
    this.#fetcher.clear();
    for (const partition of place.assignment.partitions) this.#fetcher.assign(partition, undefined);
    await this.#options.listener.onAssigned(place.assignment, place.generation);
  }

  async #rejoin({ assignment }: Place): Promise<void> {
    if (assignment.partitions.length > 0) {
      await this.#options.listener.onRebalance();
      if (this.#isOver) return;
    }
    this.#fetcher.clear();
    const status = this.#status;
    if (status.name === "assigned" && status.isRemoved) this.#leaveBehind();
    else this.#join();
  }

  /** The group has removed this member. */
  #leaveBehind(): void {
    this.#fetcher.clear();
    this.#identity = { memberId: "" };
    this.#status = { name: "outside" };
    if (!this.#hasBeenAssigned) return;
    this.#hasBeenAssigned = false;
    this.#options.listener.onLost();
  }

  /** For as long as a poll runs. */
  #keepBeating(): () => void {
    const { clock } = this.#options;
    let cancel = () => {};
    const next = () => {
      cancel = clock.after(Math.max(1, this.#heartbeatAtMs - clock.now()), () => {
        void this.#beatIfDue().then(() => {
          if (this.#isPolling) next();
        });
      });
    };
    void this.#beatIfDue();
    next();
    return () => cancel();
  }

  async #beatIfDue(): Promise<void> {
    if (this.#options.clock.now() >= this.#heartbeatAtMs) await this.#beat();
  }

  /** One at a time. */
  #beat(): Promise<void> {
    this.#beating ??= this.#sendHeartbeat().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  async #sendHeartbeat(): Promise<void> {
    const status = this.#status;
    this.#heartbeatAtMs = this.#options.clock.now() + this.#heartbeatEveryMs;
    if (status.name !== "assigned" || status.isRemoved || this.#isOver) return;
    try {
      const standing = await this.#options.membership.heartbeat(status.place);
      if (standing === "mustRejoin") status.mustRejoin = true;
      if (standing === "removed") status.isRemoved = true;
      if (standing !== "member") this.#wake.wake();
    } catch (error) {
      // A coordinator that moves or restarts knows its members when it is back; the next heartbeat finds it.
      if (kindOf(error) !== "final") return;
      this.#status = { name: "failed", error };
      this.#wake.wake();
    }
  }

  #assertOpen(): void {
    if (this.#options.isLogClosed()) throw closed("log");
    if (this.#isClosed) throw closed("group consumer");
  }
}
