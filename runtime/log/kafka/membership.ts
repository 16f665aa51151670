import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { fencedMember, groupProtocol } from "../embedded/refusals.ts";
import type { Assignor, CommittedOffset, GroupMember, MemberAssignment } from "../port.ts";
import { asMulgilError, brokerCodeOf, code, kindOf } from "./broker-errors.ts";
import type { Connections } from "./connections.ts";
import type { Coordinators } from "./coordinators.ts";
import type { Directory } from "./directory.ts";
import { byTopic } from "./grouping.ts";
import type { BrokerRequests } from "./kafkajs.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "./protocol/group-protocol.ts";
import { type Patience, retrying } from "./retry.ts";

export interface MembershipOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly assignor: Assignor;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Its own: a join is answered when all members have joined, and holds up what comes after it on the same connection. */
  readonly connections: Connections;
  /** For what must not wait behind a join. */
  readonly shared: Connections;
  readonly coordinators: Coordinators;
  readonly directory: Directory;
  readonly patience: Patience;
}

/** The id that the group has given a member; it has one before it has a place. */
export interface MemberIdentity {
  memberId: string;
}

/** A place in a generation of the group. */
export interface Place {
  readonly memberId: string;
  readonly generation: number;
  readonly assignment: MemberAssignment;
}

/** What a coordinator says about a member. */
export type Standing =
  | "member"
  /** A rebalance waits for it. */
  | "mustRejoin"
  /** The group has gone on without it. */
  | "removed";

const GONE = new Set<number>([code.unknownMemberId, code.illegalGeneration]);

/** The requests of a member of a group: the classic protocol, all partitions given up before each join. */
export class Membership {
  readonly #options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /**
   * Joins, or joins again under its id, and takes the place that the leader gives. Waits for the other members. A member that came in and did
   * not get a place joins again as the same, lest the group waits for a member that is nobody.
   * @throws {MulgilError} LOG_GROUP_PROTOCOL
   */
  async join(identity: MemberIdentity, userData: Uint8Array): Promise<Place> {
    // A group that is away is waited for: whoever polls finds nothing meanwhile.
    const patience = { ...this.#options.patience, patienceMs: Infinity };
    return await retrying(patience, `join group "${this.#options.groupId}"`, async () => {
      for (;;) {
        try {
          return await this.#joinOnce(identity, userData);
        } catch (error) {
          const found = brokerCodeOf(error);
          if (found === code.unknownMemberId) identity.memberId = "";
          else if (found !== code.rebalanceInProgress && found !== code.illegalGeneration) throw this.#explain(error);
        }
      }
    });
  }

  /** One attempt. A coordinator that does not answer says nothing about the member. @throws an error of the client */
  async heartbeat({ memberId, generation }: Place): Promise<Standing> {
    const { groupId } = this.#options;
    try {
      await this.#ask((requests) => requests.heartbeat({ groupId, memberId, groupGenerationId: generation }));
      return "member";
    } catch (error) {
      const found = brokerCodeOf(error) ?? 0;
      if (found === code.rebalanceInProgress) return "mustRejoin";
      if (GONE.has(found)) return "removed";
      if (kindOf(error) === "final") throw asMulgilError(error, `send a heartbeat to group "${groupId}"`);
      throw error;
    }
  }

  /** @throws {TaskMigratedError} LOG_FENCED */
  async commit({ memberId, generation }: Place, offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const { groupId, patience } = this.#options;
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({
      partition,
      offset: String(offset),
      metadata,
    }));
    await retrying(patience, `commit offsets of group "${groupId}"`, async () => {
      try {
        await this.#ask((requests) =>
          requests.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics }),
        );
      } catch (error) {
        const found = brokerCodeOf(error) ?? 0;
        // A rebalance refuses commits only when everybody has joined again, so this member has not.
        if (GONE.has(found) || found === code.rebalanceInProgress) throw fencedMember(groupId, memberId);
        throw error;
      }
    });
  }

  /** At once, also in the middle of a join. What goes wrong is left to the session's time-out. */
  async leave(memberId: string): Promise<void> {
    const { groupId, coordinators, shared } = this.#options;
    if (memberId === "") return;
    await coordinators
      .askOnce(shared, "group", groupId, (requests) => requests.leaveGroup({ groupId, memberId }))
      .catch(() => undefined);
  }

  async #joinOnce(identity: MemberIdentity, userData: Uint8Array): Promise<Place> {
    const { groupId, topics, assignor, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const groupProtocols = [{ name: assignor.name, metadata: encodeSubscription(topics, userData) }];
    const joined = await this.#ask((requests) =>
      requests.joinGroup({
        ...{ groupId, memberId: identity.memberId, groupProtocols },
        ...{ sessionTimeout: sessionTimeoutMs, rebalanceTimeout: rebalanceTimeoutMs },
      }),
    );
    identity.memberId = joined.memberId;
    const isLeader = joined.memberId === joined.leaderId;
    const groupAssignment = isLeader
      ? await this.#assign(joined.members.map((member) => decodeSubscription(member.memberId, member.memberMetadata)))
      : [];
    const { memberAssignment } = await this.#ask((requests) =>
      requests.syncGroup({ groupId, memberId: joined.memberId, generationId: joined.generationId, groupAssignment }),
    );
    return {
      memberId: joined.memberId,
      generation: joined.generationId,
      assignment: decodeAssignment(memberAssignment),
    };
  }

  async #assign(
    members: readonly GroupMember[],
  ): Promise<{ readonly memberId: string; readonly memberAssignment: Buffer }[]> {
    const { topics, assignor, directory } = this.#options;
    // Partitions may have been added since the last generation.
    directory.forget(topics);
    const known = await directory.topics(topics);
    const counts = new Map([...known].map(([topic, { partitions }]) => [topic, partitions.length]));
    const assigned = assignor.assign(members, counts);
    return members.map(({ memberId }) => ({
      memberId,
      memberAssignment: encodeAssignment(assigned.get(memberId)),
    }));
  }

  #ask<T>(request: (requests: BrokerRequests) => Promise<T>): Promise<T> {
    return this.#options.coordinators.askOnce(this.#options.connections, "group", this.#options.groupId, request);
  }

  #explain(error: unknown): unknown {
    if (error instanceof MulgilError || brokerCodeOf(error) !== code.inconsistentGroupProtocol) return error;
    return groupProtocol(this.#options.groupId, "another assignor", this.#options.assignor.name);
  }
}
