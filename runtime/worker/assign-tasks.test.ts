import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AssignableMember, type AssignableTask, assignTasks, type MemberTasks } from "./assign-tasks.ts";

const LAG_ACCEPTABLE = 10;
const ROUNDS_MAX = 4;
const tasksNamed = (count: number, hasState = true, part = "t") =>
  Array.from(
    { length: count },
    (_, n): AssignableTask => ({ id: `${part}_${n}`, part, inputs: [{ topic: part, partition: n }], hasState }),
  );
const member = (
  id: string,
  running: readonly string[] = [],
  copies: Readonly<Record<string, number>> = {},
  location = id,
): AssignableMember => ({ id, location, running, copies: new Map(Object.entries(copies)) });
const assign = (tasks: readonly AssignableTask[], members: readonly AssignableMember[], standbys = 0) =>
  assignTasks(tasks, members, { standbys, lagAcceptable: LAG_ACCEPTABLE });

const activeOf = (assigned: ReadonlyMap<string, MemberTasks>, id: string) =>
  assigned
    .get(id)!
    .active.map((mine) => mine.id)
    .sort();
const sizesOf = (assigned: ReadonlyMap<string, MemberTasks>) =>
  [...assigned.values()].map(({ active }) => active.length);
const spread = (sizes: readonly number[]) => Math.max(...sizes) - Math.min(...sizes);

/** What members say of themselves when they have done as they were told, and their copies have caught up. */
function settled(members: readonly AssignableMember[], assigned: ReadonlyMap<string, MemberTasks>) {
  return members.map((before): AssignableMember => {
    const { active, standbys, warmups } = assigned.get(before.id)!;
    const left = [...before.copies.keys(), ...before.running].map((id) => [id, Infinity] as const);
    const kept = [...standbys, ...warmups].map((id) => [id, 0] as const);
    const copies = new Map<string, number>([...left, ...kept]);
    for (const { id } of active) copies.delete(id);
    return { ...before, running: active.map(({ id }) => id), copies };
  });
}

const clusters = fc
  .record({
    members: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
    counts: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 3 }),
    locations: fc.integer({ min: 1, max: 6 }),
    standbys: fc.integer({ min: 0, max: 2 }),
    stateless: fc.boolean(),
    picks: fc.infiniteStream(fc.nat(1000)),
  })
  .map(({ members, counts, locations, standbys, stateless, picks }) => {
    const tasks = counts.flatMap((count, part) => tasksNamed(count, part > 0 || !stateless, `part${part}`));
    const pick = (below: number) => picks.next().value! % below;
    const running = new Map(members.map((id) => [id, [] as string[]]));
    // Some have lost their owner.
    for (const { id } of tasks) if (pick(4) > 0) running.get(members[pick(members.length)]!)!.push(id);
    return {
      tasks,
      standbys,
      members: members.map((id) => {
        const mine = running.get(id)!;
        const copies = tasks.filter((one) => !mine.includes(one.id) && pick(3) === 0).map((one) => [one.id, pick(30)]);
        return member(id, mine, Object.fromEntries(copies), `place ${pick(locations)}`);
      }),
    };
  });

describe("assignTasks", () => {
  it("gives every task to exactly one member, and one that runs to nobody whose copy is behind", () => {
    fc.assert(
      fc.property(clusters, ({ tasks, members, standbys }) => {
        const assigned = assign(tasks, members, standbys);
        const all = [...assigned.values()].flatMap(({ active }) => active.map(({ id }) => id));
        expect(all.sort()).toEqual(tasks.map(({ id }) => id).sort());
        for (const next of members) {
          for (const { id, hasState } of assigned.get(next.id)!.active) {
            const runner = members.find(({ running }) => running.includes(id));
            if (!hasState || runner === undefined || runner.location === next.location) continue;
            if (runner !== next) expect(next.copies.get(id)).toBeLessThanOrEqual(LAG_ACCEPTABLE);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is even once the warm-ups have caught up, with every copy on a disk of its own, and stays so", () => {
    fc.assert(
      fc.property(clusters, ({ tasks, members, standbys }) => {
        let now: readonly AssignableMember[] = members;
        let assigned = assign(tasks, now, standbys);
        // What takes over above its share moves on later, so a second move can follow the first.
        for (let round = 0; round < ROUNDS_MAX; round++) {
          now = settled(now, assigned);
          assigned = assign(tasks, now, standbys);
          if (round > 0 && [...assigned.values()].every(({ warmups }) => warmups.length === 0)) break;
        }
        expect([...assigned.values()].flatMap(({ warmups }) => warmups)).toEqual([]);
        expect(spread(sizesOf(assigned))).toBeLessThanOrEqual(1);
        for (const part of new Set(tasks.map((one) => one.part)))
          expect(
            spread([...assigned.values()].map(({ active }) => active.filter((one) => one.part === part).length)),
          ).toBeLessThanOrEqual(1);
        const locationOf = new Map(members.map(({ id, location }) => [id, location]));
        for (const { id, hasState } of tasks) {
          const places = [...assigned].filter(
            ([, mine]) => mine.standbys.includes(id) || mine.active.some((one) => one.id === id),
          );
          const locations = new Set(places.map(([name]) => locationOf.get(name)!));
          expect(locations.size).toBe(places.length);
          expect(places.length).toBe(hasState ? Math.min(standbys + 1, new Set(locationOf.values()).size) : 1);
        }
        now = settled(now, assigned);
        const again = assign(tasks, now, standbys);
        for (const { id } of members) expect(activeOf(again, id)).toEqual(activeOf(assigned, id));
      }),
      { numRuns: 1000 },
    );
  });

  it("finishes the move that it has begun, whatever copies come and go meanwhile", () => {
    const tasks = [...tasksNamed(3, true, "even"), ...tasksNamed(2, true, "odd")];
    const before = [
      member("a", ["even_0", "odd_0"]),
      member("b", ["even_1", "odd_1"], { odd_0: 0 }),
      member("c", ["even_2"], { odd_1: 0 }),
      member("d"),
    ];
    const warming = assign(tasks, before, 1).get("d")!.warmups;
    const again = assign(tasks, settled(before, assign(tasks, before, 1)), 1);
    expect(activeOf(again, "d")).toEqual(warming);
  });

  it("moves no more than it must when a member joins, and first lets it warm up", () => {
    const before = [member("a", ["t_0", "t_1", "t_2"]), member("b", ["t_3", "t_4", "t_5"]), member("c")];
    const warming = assign(tasksNamed(6), before);
    expect([activeOf(warming, "a"), activeOf(warming, "b"), activeOf(warming, "c")]).toEqual([
      ["t_0", "t_1", "t_2"],
      ["t_3", "t_4", "t_5"],
      [],
    ]);
    expect(warming.get("c")!.warmups).toEqual(["t_2", "t_5"]);
    const moved = assign(tasksNamed(6), settled(before, warming));
    expect([activeOf(moved, "a"), activeOf(moved, "b"), activeOf(moved, "c")]).toEqual([
      ["t_0", "t_1"],
      ["t_3", "t_4"],
      ["t_2", "t_5"],
    ]);
  });

  it("moves at once what has no state, and what finds its state on the same disk", () => {
    const joined = (location: string) => [member("a", ["t_0", "t_1"], {}, "one"), member("b", [], {}, location)];
    expect(sizesOf(assign(tasksNamed(2, false), joined("two")))).toEqual([1, 1]);
    expect(sizesOf(assign(tasksNamed(2), joined("one")))).toEqual([1, 1]);
  });

  it("lets a copy that has caught up take over when an owner dies, also above its member's share, and moves on what is too much", () => {
    const before = [
      member("a", ["t_0"], { t_2: 7 }),
      member("b", ["t_1"], { t_2: 3 }),
      member("c", [], { t_2: Infinity }),
    ];
    const taken = assign(tasksNamed(3), before);
    expect(activeOf(taken, "b")).toEqual(["t_1", "t_2"]);
    expect(taken.get("c")!.warmups).toEqual(["t_2"]);
    expect(activeOf(assign(tasksNamed(3), settled(before, taken)), "c")).toEqual(["t_2"]);
  });

  it("gives a task that nobody can go on with to the freshest copy whose member has room", () => {
    const assigned = assign(tasksNamed(3), [
      member("a", ["t_0"], { t_2: 70 }),
      member("b", ["t_1"], { t_2: 30 }),
      member("c", [], { t_2: Infinity }),
    ]);
    expect(activeOf(assigned, "c")).toEqual(["t_2"]);
    const withRoom = assign(tasksNamed(4), [
      member("a", ["t_0"], { t_2: 7, t_3: 1 }),
      member("b", ["t_1"], { t_2: 3, t_3: 2 }),
    ]);
    expect([activeOf(withRoom, "a"), activeOf(withRoom, "b")]).toEqual([
      ["t_0", "t_3"],
      ["t_1", "t_2"],
    ]);
  });

  it("spreads the copies of one member's tasks over the others", () => {
    const assigned = assign(
      tasksNamed(6),
      [member("a", ["t_0", "t_1"]), member("b", ["t_2", "t_3"]), member("c", ["t_4", "t_5"])],
      1,
    );
    for (const [id, others] of [
      ["a", ["b", "c"]],
      ["b", ["a", "c"]],
      ["c", ["a", "b"]],
    ] as const) {
      const mine = activeOf(assigned, id);
      for (const other of others)
        expect(assigned.get(other)!.standbys.filter((copy) => mine.includes(copy))).toHaveLength(1);
    }
  });
});
