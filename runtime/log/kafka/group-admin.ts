import { groupNotEmpty } from "../embedded/refusals.ts";
import type { DescribedMember, GroupDescription } from "../port.ts";
import { brokerCodeOf, code } from "./broker-errors.ts";
import type { Connections } from "./connections.ts";
import type { Coordinators } from "./coordinators.ts";
import { decodeAssignment, decodeSubscription } from "./protocol/group-protocol.ts";

/** Kafka's states of a group in which members have their assignments, or there are none. */
const STATUSES: Readonly<Record<string, GroupDescription["status"]>> = {
  Empty: "empty",
  Dead: "empty",
  Stable: "settled",
};

interface GroupServices {
  readonly connections: Connections;
  readonly coordinators: Coordinators;
}

export async function describeGroup(
  { connections, coordinators }: GroupServices,
  groupId: string,
): Promise<GroupDescription> {
  const what = `describe group "${groupId}"`;
  const { groups } = await coordinators.ask(connections, "group", groupId, what, (requests) =>
    requests.describeGroups({ groupIds: [groupId] }),
  );
  const { state, members } = groups[0]!;
  return {
    groupId,
    status: STATUSES[state] ?? "rebalancing",
    members: members.map(({ memberId, clientId, clientHost, memberMetadata, memberAssignment }): DescribedMember => {
      // While a group is rebalancing, the broker leaves both away.
      const userData =
        memberMetadata.length === 0 ? Buffer.alloc(0) : decodeSubscription(memberId, memberMetadata).userData;
      const host = clientHost.replace(/^\//, "");
      return { memberId, clientId, host, userData, assignment: decodeAssignment(memberAssignment).partitions };
    }),
  };
}

export async function deleteGroup({ connections, coordinators }: GroupServices, groupId: string): Promise<void> {
  const what = `delete group "${groupId}"`;
  await coordinators.ask(connections, "group", groupId, what, async (requests) => {
    const { results } = await requests.deleteGroups([groupId]);
    const error = results[0]?.error;
    if (error === undefined || error.code === code.groupIdNotFound) return;
    throw error.code === code.nonEmptyGroup ? groupNotEmpty(groupId, error) : error;
  });
}

/** For a member that cannot do so itself. */
export async function leaveGroup(
  { connections, coordinators }: GroupServices,
  groupId: string,
  memberId: string,
): Promise<void> {
  const what = `remove a member of group "${groupId}"`;
  await coordinators.ask(connections, "group", groupId, what, async (requests) => {
    try {
      await requests.leaveGroup({ groupId, memberId });
    } catch (error) {
      if (brokerCodeOf(error) !== code.unknownMemberId) throw error;
    }
  });
}
