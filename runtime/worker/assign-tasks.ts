import type { TopicPartition } from "../log/port.ts";

export interface AssignableTask {
  readonly id: string;
  /** Its sub-topology. */
  readonly part: string;
  readonly inputs: readonly TopicPartition[];
  /** What has no state can move at once, and needs no standbys. */
  readonly hasState: boolean;
}

export interface AssignableMember {
  readonly id: string;
  /** Members of one location share a disk: a copy on it is one for all of them. */
  readonly location: string;
  /** Tasks that it runs now. */
  readonly running: readonly string[];
  /** Tasks of which it has the state, or some of it: changelog records that it is behind, Infinity if that is not known. */
  readonly copies: ReadonlyMap<string, number>;
}

/** What one member is to do. */
export interface MemberTasks {
  readonly active: readonly AssignableTask[];
  /** Tasks of others of which it keeps a copy. */
  readonly standbys: readonly string[];
  /** Tasks that will be its own as soon as its copy has caught up; until then they stay where they run. */
  readonly warmups: readonly string[];
}

export interface AssignOptions {
  /** Copies of each task beside the one that works. */
  readonly standbys: number;
  /** A copy that is no further behind takes a task over without a pause that anybody notices. */
  readonly lagAcceptable: number;
}

interface Share {
  readonly member: AssignableMember;
  readonly active: AssignableTask[];
  readonly standbys: Set<string>;
  readonly warmups: Set<string>;
  /** Owners of the tasks that it keeps copies of, once for each. */
  readonly backs: string[];
}

/**
 * Divides tasks among members. Pure: same input, same answer.
 * 1. Sticky and even, in all and in each part: nobody is meant to have two tasks more than anybody else. What is free goes to the freshest copy.
 * 2. A task that runs moves only to a copy that has caught up; until there is one it stays, and its next owner warms up. One whose owner is gone
 *    goes to such a copy, too, if there is one, be that more than its member's share.
 * 3. Standbys go to other locations, first to those who have a copy; what one member would lose is spread over the others.
 */
export function assignTasks(
  tasks: readonly AssignableTask[],
  members: readonly AssignableMember[],
  options: AssignOptions,
): ReadonlyMap<string, MemberTasks> {
  const sorted = members.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const shares = new Map(sorted.map((member) => [member.id, emptyShare(member)]));
  if (sorted.length === 0) return shares as unknown as ReadonlyMap<string, MemberTasks>;
  for (const [task, next] of balance(tasks, sorted)) {
    const runner =
      sorted.find(({ running }) => running.includes(task.id)) ?? hotCopy(task, sorted, options.lagAcceptable);
    const isReady = runner === undefined || runner === next || canTakeOver(next, runner, task, options.lagAcceptable);
    shares.get((isReady ? next : runner).id)!.active.push(task);
    if (!isReady) shares.get(next.id)!.warmups.add(task.id);
  }
  placeStandbys(
    tasks.filter(({ hasState }) => hasState),
    [...shares.values()],
    options.standbys,
  );
  return new Map(
    [...shares].map(([id, { active, standbys, warmups }]) => [
      id,
      { active, standbys: [...standbys], warmups: [...warmups] },
    ]),
  );
}

const emptyShare = (member: AssignableMember): Share => ({
  member,
  active: [],
  standbys: new Set(),
  warmups: new Set(),
  backs: [],
});

function canTakeOver(
  next: AssignableMember,
  runner: AssignableMember,
  task: AssignableTask,
  lagAcceptable: number,
): boolean {
  return !task.hasState || next.location === runner.location || lagOf(next, task.id) <= lagAcceptable;
}

/** Who can go on at once with a task that nobody runs. */
function hotCopy(
  { id, hasState }: AssignableTask,
  members: readonly AssignableMember[],
  lagAcceptable: number,
): AssignableMember | undefined {
  const freshest = hasState ? copiesOf([id], members)[0] : undefined;
  return freshest !== undefined && freshest.lag <= lagAcceptable ? freshest.member : undefined;
}

const lagOf = ({ copies }: AssignableMember, task: string): number => copies.get(task) ?? Infinity;

/** Who should run what, wherever the state is now: each part of the job by itself, so that nobody gets all that is heavy. */
function balance(
  tasks: readonly AssignableTask[],
  members: readonly AssignableMember[],
): ReadonlyMap<AssignableTask, AssignableMember> {
  const given = new Map<AssignableTask, AssignableMember>();
  const loads = new Map(members.map((member) => [member, 0]));
  for (const part of Map.groupBy(tasks, ({ part }) => part).values()) {
    const quotas = quotasOf(part, members, loads);
    for (const [task, member] of share(part, quotas)) {
      given.set(task, member);
      loads.set(member, loads.get(member)! + 1);
    }
  }
  return given;
}

type Quotas = ReadonlyMap<AssignableMember, number>;

/** Equal shares; the tasks that are left go to those who have least of the other parts, and of them to those who run most of this one, or have it. */
function quotasOf(
  tasks: readonly AssignableTask[],
  members: readonly AssignableMember[],
  loads: ReadonlyMap<AssignableMember, number>,
): Quotas {
  const least = Math.floor(tasks.length / members.length);
  const left = tasks.length % members.length;
  // Copies of tasks that run must not count: they come and go with warm-ups, and the shares with them, without an end.
  const orphans = tasks.filter(({ id }) => !members.some(({ running }) => running.includes(id)));
  const hasOf = new Map(
    members.map((member) => [member, orphans.filter(({ id }) => lagOf(member, id) < Infinity).length]),
  );
  const runsOf = new Map(
    members.map((member) => [member, tasks.filter(({ id }) => member.running.includes(id)).length]),
  );
  const ranked = members.toSorted(
    (one, other) =>
      loads.get(one)! - loads.get(other)! ||
      runsOf.get(other)! - runsOf.get(one)! ||
      hasOf.get(other)! - hasOf.get(one)!,
  );
  return new Map(ranked.map((member, rank) => [member, least + (rank < left ? 1 : 0)]));
}

function share(tasks: readonly AssignableTask[], quotas: Quotas): ReadonlyMap<AssignableTask, AssignableMember> {
  const members = [...quotas.keys()].toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const free = new Map(tasks.map((task) => [task.id, task]));
  const room = new Map(quotas);
  const given = new Map<AssignableTask, AssignableMember>();
  const giveIfRoom = (id: string, member: AssignableMember) => {
    const task = free.get(id);
    if (task === undefined || room.get(member) === 0) return;
    room.set(member, room.get(member)! - 1);
    given.set(task, member);
    free.delete(id);
  };
  for (const member of members) {
    const own = member.running.filter((id) => free.has(id));
    for (const id of keptFirst(own, needyFor(free, quotas, member))) giveIfRoom(id, member);
  }
  for (const { id, member } of copiesOf([...free.keys()], members)) giveIfRoom(id, member);
  for (const id of free.keys()) giveIfRoom(id, members.find((member) => room.get(member)! > 0)!);
  return given;
}

/** Members, but this one, that have to get more of these tasks than they run. */
function needyFor(
  tasks: ReadonlyMap<string, AssignableTask>,
  quotas: Quotas,
  member: AssignableMember,
): readonly AssignableMember[] {
  return [...quotas]
    .filter(([other, quota]) => other !== member && other.running.filter((id) => tasks.has(id)).length < quota)
    .map(([other]) => other);
}

/**
 * What a member runs, in the order in which it would rather keep it: last what somebody who needs tasks has a copy of, the fresher the sooner
 * given up. So a move that has begun is the one that is finished.
 */
function keptFirst(tasks: readonly string[], needy: readonly AssignableMember[]): readonly string[] {
  const preference = new Map(
    tasks.map((task) => {
      const lags = needy.filter(({ copies }) => copies.has(task)).map((other) => lagOf(other, task));
      return [task, lags.length === 0 ? Infinity : Math.min(Number.MAX_SAFE_INTEGER, ...lags)] as const;
    }),
  );
  return tasks.toSorted((left, right) => compare(preference.get(right)!, preference.get(left)!));
}

const compare = (left: number, right: number): number => (left === right ? 0 : left - right);

/** Every copy of these tasks, the freshest first. */
function copiesOf(tasks: readonly string[], members: readonly AssignableMember[]) {
  return tasks
    .flatMap((id) =>
      members.flatMap((member) => (member.copies.has(id) ? [{ id, member, lag: lagOf(member, id) }] : [])),
    )
    .toSorted((left, right) => compare(left.lag, right.lag));
}

function placeStandbys(tasks: readonly AssignableTask[], shares: readonly Share[], standbys: number): void {
  const owners = new Map(shares.flatMap((share) => share.active.map(({ id }) => [id, share.member])));
  const places = new Map(tasks.map(({ id }) => [id, [owners.get(id)!.location]]));
  for (const share of shares) for (const task of share.warmups) place(share, task);
  const fairMax = Math.ceil((tasks.length * standbys) / shares.length);
  const held = copiesOf(
    tasks.map(({ id }) => id),
    shares.map(({ member }) => member),
  );
  for (const { id, member } of held) {
    const share = shares.find((one) => one.member === member)!;
    if (isWanted(id) && isPossible(share, id) && share.standbys.size < fairMax) stand(share, id);
  }
  for (const { id } of tasks) {
    for (let possible = others(id); isWanted(id) && possible.length > 0; possible = others(id))
      stand(
        possible.reduce((best, share) => (isLighter(share, best, id) ? share : best)),
        id,
      );
  }

  function place(share: Share, task: string): void {
    places.get(task)!.push(share.member.location);
    share.backs.push(owners.get(task)!.id);
  }
  function stand(share: Share, task: string): void {
    share.standbys.add(task);
    place(share, task);
  }
  function isWanted(task: string): boolean {
    return places.get(task)!.length <= standbys;
  }
  function isPossible({ member }: Share, task: string): boolean {
    return !places.get(task)!.includes(member.location);
  }
  function others(task: string): readonly Share[] {
    return shares.filter((share) => isPossible(share, task));
  }
  function isLighter(left: Share, right: Share, task: string): boolean {
    const owner = owners.get(task)!.id;
    const same = ({ backs }: Share) => backs.filter((id) => id === owner).length;
    const load = ({ active, standbys: kept, warmups }: Share) => active.length + kept.size + warmups.size;
    return same(left) === same(right) ? load(left) < load(right) : same(left) < same(right);
  }
}
