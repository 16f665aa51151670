import type { Clock } from "../../time/clock.ts";
import { NO_ASSIGNMENT } from "../no-assignment.ts";
import type { Assignor, GroupDescription, MemberAssignment } from "../port.ts";
import { groupProtocol } from "./refusals.ts";

/** A member as its group sees it. */
export interface Member {
  readonly memberId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly assignor: Assignor;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Tells the consumer that something has changed. */
  readonly wake: () => void;
  userData: Uint8Array;
  lastSeenMs: number;
  /** A consumer that waits inside poll is alive, as one with a heartbeat thread is. */
  isWaiting: boolean;
  /** It takes part in the rebalance that is going on. */
  hasJoined: boolean;
  /** Its last assignment, and the generation of that; 0 before the first. */
  generation: number;
  assignment: MemberAssignment;
  /** Set when it was the leader and its assignor threw. */
  failure: unknown;
}

/** `joining`: known members have until the deadline to rejoin. */
type GroupStatus = { readonly name: "settled" } | { readonly name: "joining"; readonly deadlineMs: number };

/**
 * A consumer group under Kafka's classic, eager protocol:
 *
 *     settled --join, leave, expiry--> joining --all have joined, or deadline--> settled, generation + 1
 *
 * The leader is the member that has been here longest; its assignor decides for all.
 */
export class Group {
  readonly groupId: string;
  readonly #clock: Clock;
  readonly #partitionCount: (topic: string) => number | undefined;
  readonly #members = new Map<string, Member>();
  #status: GroupStatus = { name: "settled" };
  #generation = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(groupId: string, clock: Clock, partitionCount: (topic: string) => number | undefined) {
    this.groupId = groupId;
    this.#clock = clock;
    this.#partitionCount = partitionCount;
  }

  get generation(): number {
    return this.#generation;
  }

  has(member: Member): boolean {
    return this.#members.get(member.memberId) === member;
  }

  describe(): GroupDescription {
    const isSettled = this.#status.name === "settled";
    const members = [...this.#members.values()].map(({ memberId, clientId, userData, assignment }) => ({
      ...{ memberId, clientId, host: "" },
      userData: isSettled ? userData : new Uint8Array(),
      assignment: isSettled ? assignment.partitions : [],
    }));
    return {
      groupId: this.groupId,
      status: members.length === 0 ? "empty" : isSettled ? "settled" : "rebalancing",
      members,
    };
  }

  /** The member's assignment is the current one; during a rebalance none is. */
  isAssigned(member: Member): boolean {
    return this.#status.name === "settled" && member.generation === this.#generation;
  }

  /** A rebalance waits for this member. */
  mustRejoin(member: Member): boolean {
    return this.#status.name === "joining" && !member.hasJoined;
  }

  /** A new member joins; everybody else must rejoin. @throws LOG_GROUP_PROTOCOL */
  join(member: Member): void {
    for (const { assignor } of this.#members.values()) {
      if (assignor.name !== member.assignor.name) {
        throw groupProtocol(this.groupId, assignor.name, member.assignor.name);
      }
    }
    this.#members.set(member.memberId, member);
    this.#beginRebalance();
    this.rejoin(member, member.userData);
  }

  /** What a member says of itself has changed: all join again. */
  requestRebalance(member: Member): void {
    if (this.has(member)) this.#beginRebalance();
  }

  rejoin(member: Member, userData: Uint8Array): void {
    member.userData = userData;
    member.hasJoined = true;
    this.touch(member);
    this.#completeIfAllJoined();
  }

  leave(member: Member): void {
    if (!this.has(member)) return;
    this.#members.delete(member.memberId);
    if (this.#members.size > 0) this.#beginRebalance();
    this.#completeIfAllJoined();
  }

  /** In the place of a member that cannot leave by itself. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.leave(member);
    member.wake();
  }

  touch(member: Member): void {
    member.lastSeenMs = this.#clock.now();
  }

  /** Removes members that were silent for too long, and ends a rebalance that has waited long enough. */
  expire(): void {
    const now = this.#clock.now();
    for (const member of this.#members.values()) {
      if (member.isWaiting) member.lastSeenMs = now;
      else if (member.lastSeenMs + member.sessionTimeoutMs <= now) {
        this.leave(member);
        member.wake();
      }
    }
    if (this.#status.name === "joining" && this.#status.deadlineMs <= now) {
      for (const member of this.#members.values()) if (!member.hasJoined) this.#expel(member);
      this.#completeIfAllJoined();
    }
  }

  /** No more timers: the group is empty, or the log closes. */
  stop(): void {
    this.#status = { name: "settled" };
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #expel(member: Member): void {
    this.#members.delete(member.memberId);
    member.wake();
  }

  #beginRebalance(): void {
    if (this.#status.name === "settled") {
      const longestMs = Math.max(...[...this.#members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
      this.#status = { name: "joining", deadlineMs: this.#clock.now() + longestMs };
      for (const member of this.#members.values()) {
        member.hasJoined = false;
        member.wake();
      }
    }
    this.#setTimer();
  }

  #completeIfAllJoined(): void {
    const members = [...this.#members.values()];
    if (members.length === 0) this.stop();
    if (this.#status.name !== "joining" || !members.every(({ hasJoined }) => hasJoined)) return;
    const assignments = this.#assign(members);
    if (assignments === undefined) return;
    this.#status = { name: "settled" };
    this.#generation += 1;
    for (const member of members) {
      member.generation = this.#generation;
      member.assignment = assignments.get(member.memberId) ?? NO_ASSIGNMENT;
      member.wake();
    }
    this.#setTimer();
  }

  /** A leader whose assignor throws is removed, and told in its poll; the next one tries. */
  #assign(members: readonly Member[]): ReadonlyMap<string, MemberAssignment> | undefined {
    const leader = members[0]!;
    const counts = new Map<string, number>();
    for (const topic of members.flatMap(({ topics }) => topics)) {
      const count = this.#partitionCount(topic);
      if (count !== undefined) counts.set(topic, count);
    }
    try {
      return leader.assignor.assign(
        members.map(({ memberId, userData }) => ({ memberId, userData })),
        counts,
      );
    } catch (error) {
      leader.failure = error;
      this.#expel(leader);
      this.#completeIfAllJoined();
      return undefined;
    }
  }

  /** Wakes up when the next member could expire; those seen in between only move that moment further away. */
  #setTimer(): void {
    this.#cancelTimer?.();
    const now = this.#clock.now();
    let dueMs = this.#status.name === "joining" ? this.#status.deadlineMs : Number.POSITIVE_INFINITY;
    for (const { isWaiting, lastSeenMs, sessionTimeoutMs } of this.#members.values()) {
      dueMs = Math.min(dueMs, (isWaiting ? now : lastSeenMs) + sessionTimeoutMs);
    }
    this.#cancelTimer = this.#clock.after(Math.max(1, dueMs - now), () => {
      this.expire();
      if (this.#members.size > 0) this.#setTimer();
    });
  }
}
