import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { decodeAssignmentData, encodeMemberData, type MemberData } from "./member-data.ts";
import { taskAssignor } from "./task-assignor.ts";

describe("taskAssignor", () => {
  const planOf = (stores: readonly string[], standbys = 0) =>
    ({ subTopologies: [{ name: "part", sources: ["left", "right"], nodes: [], stores }], standbys }) as unknown as Plan;
  const counts = new Map([
    ["left", 4],
    ["right", 4],
  ]);
  const member = (memberId: string, data: Partial<MemberData> = {}) => ({
    memberId,
    userData: encodeMemberData({
      ...{ tasks: [], plan: { version: 1, hash: "x" }, location: memberId, copies: {} },
      ...data,
    }),
  });

  it("keeps co-partitioned inputs together", () => {
    for (const { partitions } of taskAssignor(planOf([]))
      .assign([member("a"), member("b")], counts)
      .values()) {
      const of = (topic: string) =>
        partitions
          .filter((input) => input.topic === topic)
          .map(({ partition }) => partition)
          .sort();
      expect(of("left")).toHaveLength(2);
      expect(of("left")).toEqual(of("right"));
    }
  });

  it("gives tasks to one plan only, the newer one", () => {
    const assigned = taskAssignor(planOf([])).assign(
      [member("a"), member("b", { plan: { version: 2, hash: "y" } })],
      counts,
    );
    expect(assigned.get("a")).toBeUndefined();
    expect(assigned.get("b")!.partitions).toHaveLength(8);
  });

  it("tells members which copies to keep, and which tasks they are to warm up", () => {
    const tasks = ["part_0", "part_1", "part_2", "part_3"];
    const assigned = taskAssignor(planOf(["store"], 1)).assign([member("a", { tasks }), member("b")], counts);
    expect(assigned.get("a")!.partitions).toHaveLength(8);
    const { standbys, warmups } = decodeAssignmentData(assigned.get("b")!.userData);
    expect(warmups).toHaveLength(2);
    expect([...standbys, ...warmups].sort()).toEqual(tasks);
  });

  it("understands members of a version that said less of themselves", () => {
    const early = { memberId: "a", userData: Buffer.from('{"tasks":["part_0"],"plan":{"version":1,"hash":"x"}}') };
    const assigned = taskAssignor(planOf(["store"], 1)).assign([early, member("b")], counts);
    expect(assigned.get("a")!.partitions).toContainEqual({ topic: "left", partition: 0 });
    expect(decodeAssignmentData(assigned.get("b")!.userData).standbys).toContain("part_0");
  });
});
