import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { assignTasks, encodeMemberData, taskAssignor } from "./task-assignor.ts";

const task = (id: string) => ({ id, inputs: [{ topic: id, partition: 0 }] });

describe("assignTasks", () => {
  const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 });

  it("gives every task to exactly one member, evenly", () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 20 }), fc.infiniteStream(fc.nat(5)), (ids, count, owners) => {
        const tasks = Array.from({ length: count }, (_, n) => task(`t_${n}`));
        const owned = new Map(ids.map((id) => [id, [] as string[]]));
        for (const { id } of tasks) owned.get(ids[owners.next().value! % ids.length]!)!.push(id);
        const assigned = assignTasks(
          tasks,
          ids.map((id) => ({ id, owned: owned.get(id)! })),
        );
        const sizes = [...assigned.values()].map((mine) => mine.length);
        expect(
          [...assigned.values()]
            .flat()
            .map(({ id }) => id)
            .sort(),
        ).toEqual(tasks.map(({ id }) => id).sort());
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("moves no task when the members stay", () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 20 }), (ids, count) => {
        const tasks = Array.from({ length: count }, (_, n) => task(`t_${n}`));
        const before = assignTasks(
          tasks,
          ids.map((id) => ({ id, owned: [] })),
        );
        const after = assignTasks(
          tasks,
          ids.map((id) => ({ id, owned: before.get(id)!.map((mine) => mine.id) })),
        );
        for (const id of ids)
          expect(
            after
              .get(id)!
              .map((mine) => mine.id)
              .sort(),
          ).toEqual(
            before
              .get(id)!
              .map((mine) => mine.id)
              .sort(),
          );
      }),
    );
  });

  it("moves no more than it must when a member joins", () => {
    const tasks = Array.from({ length: 6 }, (_, n) => task(`t_${n}`));
    const assigned = assignTasks(tasks, [
      { id: "a", owned: ["t_0", "t_1", "t_2"] },
      { id: "b", owned: ["t_3", "t_4", "t_5"] },
      { id: "c", owned: [] },
    ]);
    expect(assigned.get("a")!.map(({ id }) => id)).toEqual(["t_0", "t_1"]);
    expect(assigned.get("b")!.map(({ id }) => id)).toEqual(["t_3", "t_4"]);
    expect(assigned.get("c")!.map(({ id }) => id)).toEqual(["t_2", "t_5"]);
  });
});

describe("taskAssignor", () => {
  const plan = {
    subTopologies: [{ name: "part", sources: ["left", "right"], nodes: [], stores: [] }],
  } as unknown as Plan;
  const counts = new Map([
    ["left", 4],
    ["right", 4],
  ]);
  const member = (memberId: string, version: number, hash: string) => ({
    memberId,
    userData: encodeMemberData({ tasks: [], plan: { version, hash } }),
  });

  it("keeps co-partitioned inputs together", () => {
    for (const partitions of taskAssignor(plan)
      .assign([member("a", 1, "x"), member("b", 1, "x")], counts)
      .values()) {
      const of = (topic: string) =>
        partitions
          .filter((input) => input.topic === topic)
          .map(({ partition }) => partition)
          .sort();
      expect(of("left")).toEqual(of("right"));
    }
  });

  it("gives tasks to one plan only, the newer one", () => {
    const assigned = taskAssignor(plan).assign([member("a", 1, "x"), member("b", 2, "y")], counts);
    expect(assigned.get("a")).toEqual([]);
    expect(assigned.get("b")).toHaveLength(8);
  });
});
