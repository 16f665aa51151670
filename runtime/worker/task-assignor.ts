import type { Assignor } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { replayableInputs } from "../plan/replay-topics.ts";
import { type AssignableMember, type AssignableTask, assignTasks } from "./assign-tasks.ts";
import { decodeMemberData, encodeAssignmentData, type MemberData, type ToldMemberData } from "./member-data.ts";
import { taskId } from "./task-id.ts";

/** As Kafka Streams' acceptable.recovery.lag: to replay so many changelog records takes milliseconds. */
export const LAG_ACCEPTABLE = 10_000;

/**
 * Gives out tasks, not partitions: all inputs of a task go to one member. `assignTasks` says who gets what. While members carry two plans (a
 * rolling upgrade), only those of the newer one get tasks. A topic of records to be processed once more is given out as soon as one member knows of it.
 */
export function taskAssignor(plan: Plan): Assignor {
  return {
    name: "mulgil",
    assign(members, partitionCounts) {
      const told = members.map(({ memberId, userData }) => ({ id: memberId, data: decodeMemberData(userData) }));
      const entitled = ofNewestPlan(told);
      const replays = new Map(told.flatMap(({ data }) => Object.entries(data.replays ?? {})));
      const tasks = tasksOf(plan, new Map([...partitionCounts, ...replays]));
      const assigned = assignTasks(tasks, entitled.map(assignable), {
        standbys: plan.standbys,
        lagAcceptable: LAG_ACCEPTABLE,
      });
      return new Map(
        [...assigned].map(([id, { active, standbys, warmups }]) => [
          id,
          {
            partitions: active.flatMap(({ inputs }) => inputs),
            userData: encodeAssignmentData({ standbys, warmups, replays: [...replays.keys()] }),
          },
        ]),
      );
    },
  };
}

/** Every task that the plan has, given the partitions there are. What is to be processed once more is an input of the task that reads the original. */
export function tasksOf(plan: Plan, partitionCounts: ReadonlyMap<string, number>): readonly AssignableTask[] {
  return plan.subTopologies.flatMap((part) => {
    const count = Math.max(0, ...part.sources.map((topic) => partitionCounts.get(topic) ?? 0));
    const replays = replayableInputs(plan, part)
      .map(({ replayTopic }) => replayTopic)
      .filter((topic) => partitionCounts.has(topic));
    return Array.from({ length: count }, (_, partition) => ({
      id: taskId(part.name, partition),
      part: part.name,
      inputs: [...part.sources, ...replays.filter((topic) => partition < partitionCounts.get(topic)!)].map((topic) => ({
        topic,
        partition,
      })),
      hasState: part.stores.length > 0,
    }));
  });
}

const assignable = ({ id, data }: { readonly id: string; readonly data: ToldMemberData }): AssignableMember => ({
  id,
  location: data.location ?? id,
  running: data.tasks,
  copies: new Map(Object.entries(data.copies ?? {}).map(([task, lag]) => [task, lag ?? Infinity])),
});

function ofNewestPlan<M extends { readonly data: ToldMemberData }>(members: readonly M[]): readonly M[] {
  const newer = (left: MemberData["plan"], right: MemberData["plan"]) =>
    left.version === right.version ? left.hash > right.hash : left.version > right.version;
  const newest = members.reduce<MemberData["plan"] | undefined>(
    (best, { data }) => (best === undefined || newer(data.plan, best) ? data.plan : best),
    undefined,
  );
  return members.filter(({ data }) => data.plan.hash === newest?.hash && data.plan.version === newest.version);
}
