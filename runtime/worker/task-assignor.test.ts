import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { decodeAssignmentData, encodeMemberData, type MemberData } from "./member-data.ts";
import { taskAssignor } from "./task-assignor.ts";

describe("taskAssignor", () => {
  const planOf = (stores: readonly string[], standbys = 0) =>
    ({
      ...{ job: "job", standbys, subTopologies: [{ name: "part", sources: ["left", "right"], nodes: [], stores }] },
      topics: [
        { topic: "left", role: "source", cleanupPolicy: "delete" },
        { topic: "right", role: "source", cleanupPolicy: "compact" },
      ],
    }) as unknown as Plan;
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

  describe("records to be processed once more", () => {
    const inputsOf = (assigned: ReadonlyMap<string, { partitions: readonly { topic: string; partition: number }[] }>) =>
      [...assigned.values()].flatMap(({ partitions }) => partitions).filter(({ topic }) => topic.endsWith(".replay"));

    it("come with the source that they are of, as soon as one member knows of them", () => {
      const replays = { "job.left.replay": 4, "job.right.replay": 4 };
      const assigned = taskAssignor(planOf([])).assign([member("a"), member("b", { replays })], counts);
      for (const { partitions } of assigned.values()) {
        const left = partitions.filter(({ topic }) => topic === "left").map(({ partition }) => partition);
        expect(inputsOf(new Map([["", { partitions }]])).map(({ partition }) => partition)).toEqual(left);
      }
      // A table is not processed once more.
      expect(new Set(inputsOf(assigned).map(({ topic }) => topic))).toEqual(new Set(["job.left.replay"]));
      for (const { userData } of assigned.values())
        expect(decodeAssignmentData(userData).replays).toEqual(Object.keys(replays));
    });

    it("are told to a member that gets no task, also by one that gets none: it need not ask again", () => {
      const old = member("a", { replays: { "job.left.replay": 4 } });
      const assigned = taskAssignor(planOf([])).assign([old, member("b", { plan: { version: 2, hash: "y" } })], counts);
      expect(inputsOf(assigned)).toHaveLength(4);
    });

    it("are given out for partitions that they have", () => {
      const replays = { "job.left.replay": 2 };
      const assigned = taskAssignor(planOf([])).assign([member("a", { replays })], counts);
      expect(inputsOf(assigned).map(({ partition }) => partition)).toEqual([0, 1]);
    });
  });
});
