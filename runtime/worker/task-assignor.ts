import type { Assignor, GroupMember, TopicPartition } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import type { ProcessIdentity } from "./member-status.ts";
import { taskId } from "./task-id.ts";

/** What a member tells the group about itself. */
export interface MemberData {
  /** Tasks that it runs now. */
  readonly tasks: readonly string[];
  /** The plan it would run them by. */
  readonly plan: { readonly version: number; readonly hash: string };
  /** For whoever wants to ask it more. */
  readonly process?: ProcessIdentity | undefined;
}

export const encodeMemberData = (data: MemberData): Buffer => Buffer.from(JSON.stringify(data));

export const decodeMemberData = (userData: Uint8Array): MemberData =>
  JSON.parse(Buffer.from(userData).toString()) as MemberData;

/**
 * Gives out tasks, not partitions: all inputs of a task go to one member. A task stays where it runs as long as that is fair; the rest goes to
 * whoever has least. While members carry two plans (a rolling upgrade), only those of the newer one get tasks.
 */
export function taskAssignor(plan: Plan): Assignor {
  return {
    name: "mulgil",
    assign(members, partitionCounts) {
      const entitled = ofNewestPlan(members.map((member) => ({ id: member.memberId, data: decode(member) })));
      const assigned = assignTasks(
        tasksOf(plan, partitionCounts),
        entitled.map(({ id, data }) => ({ id, owned: data.tasks })),
      );
      return new Map(
        members.map(({ memberId }) => [memberId, (assigned.get(memberId) ?? []).flatMap(({ inputs }) => inputs)]),
      );
    },
  };
}

export interface AssignableTask {
  readonly id: string;
  readonly inputs: readonly TopicPartition[];
}

/** Every task that the plan has, given the partitions there are. */
export function tasksOf(plan: Plan, partitionCounts: ReadonlyMap<string, number>): readonly AssignableTask[] {
  return plan.subTopologies.flatMap((part) => {
    const count = Math.max(0, ...part.sources.map((topic) => partitionCounts.get(topic) ?? 0));
    return Array.from({ length: count }, (_, partition) => ({
      id: taskId(part.name, partition),
      inputs: part.sources.map((topic) => ({ topic, partition })),
    }));
  });
}

/** Sticky and even: nobody has two tasks more than anybody else. Pure. */
export function assignTasks(
  tasks: readonly AssignableTask[],
  members: readonly { readonly id: string; readonly owned: readonly string[] }[],
): ReadonlyMap<string, readonly AssignableTask[]> {
  const sorted = members.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const given = new Map(sorted.map(({ id }) => [id, [] as AssignableTask[]]));
  if (sorted.length === 0) return given;
  const least = Math.floor(tasks.length / sorted.length);
  let larger = tasks.length % sorted.length;
  const free = new Map(tasks.map((task) => [task.id, task]));
  for (const { id, owned } of sorted) {
    const mine = given.get(id)!;
    for (const task of owned.flatMap((name) => free.get(name) ?? [])) {
      if (mine.length >= least + (larger > 0 ? 1 : 0)) break;
      if (mine.length === least) larger--;
      mine.push(task);
      free.delete(task.id);
    }
  }
  for (const task of free.values()) {
    const next = sorted.reduce(
      (best, { id }) => (given.get(id)!.length < given.get(best)!.length ? id : best),
      sorted[0]!.id,
    );
    given.get(next)!.push(task);
  }
  return given;
}

function ofNewestPlan<M extends { readonly data: MemberData }>(members: readonly M[]): readonly M[] {
  const newer = (left: MemberData["plan"], right: MemberData["plan"]) =>
    left.version === right.version ? left.hash > right.hash : left.version > right.version;
  const newest = members.reduce<MemberData["plan"] | undefined>(
    (best, { data }) => (best === undefined || newer(data.plan, best) ? data.plan : best),
    undefined,
  );
  return members.filter(({ data }) => data.plan.hash === newest?.hash && data.plan.version === newest.version);
}

function decode({ userData }: GroupMember): MemberData {
  return decodeMemberData(userData);
}
