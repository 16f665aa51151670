import { describe, expect, it, vi } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { NO_ASSIGNMENT } from "../no-assignment.ts";
import type { Assignor } from "../port.ts";
import { Group, type Member } from "./group.ts";

const everythingToTheFirst: Assignor = {
  name: "first",
  assign: (members, counts) =>
    new Map([
      [
        members[0]!.memberId,
        { partitions: [...counts.keys()].map((topic) => ({ topic, partition: 0 })), userData: new Uint8Array() },
      ],
    ]),
};

function newGroup() {
  const clock = new ManualClock();
  return { clock, group: new Group("g", clock, (topic) => (topic === "t" ? 1 : undefined)) };
}

function newMember(clock: ManualClock, memberId: string, other: Partial<Member> = {}): Member {
  return {
    ...{
      memberId,
      clientId: "tester",
      topics: ["t"],
      assignor: everythingToTheFirst,
      sessionTimeoutMs: 100,
      rebalanceTimeoutMs: 300,
    },
    ...{ wake: vi.fn(), userData: new Uint8Array(), lastSeenMs: clock.now(), isWaiting: false, hasJoined: false },
    ...{ generation: 0, assignment: NO_ASSIGNMENT, failure: undefined },
    ...other,
  };
}

describe("a group", () => {
  it("settles at once with one member, and waits for it when a second one joins", () => {
    const { clock, group } = newGroup();
    const [a, b] = [newMember(clock, "a"), newMember(clock, "b")];
    group.join(a);
    expect(a).toMatchObject({ generation: 1, assignment: { partitions: [{ topic: "t", partition: 0 }] } });
    group.join(b);
    expect([group.generation, group.mustRejoin(a), group.mustRejoin(b)]).toEqual([1, true, false]);
    group.rejoin(a, new Uint8Array());
    expect([a.generation, b.generation, group.generation]).toEqual([2, 2, 2]);
    expect(b.assignment.partitions).toEqual([]);
  });

  it("wakes everybody whenever it has changed", () => {
    const { clock, group } = newGroup();
    const [a, b] = [newMember(clock, "a"), newMember(clock, "b")];
    group.join(a);
    vi.mocked(a.wake).mockClear();
    group.join(b);
    expect(a.wake).toHaveBeenCalledTimes(1);
    group.rejoin(a, new Uint8Array());
    expect(a.wake).toHaveBeenCalledTimes(2);
    expect(b.wake).toHaveBeenCalled();
  });

  it("keeps those who have joined when a third one comes meanwhile", () => {
    const { clock, group } = newGroup();
    const [a, b, c] = [newMember(clock, "a"), newMember(clock, "b"), newMember(clock, "c")];
    group.join(a);
    group.join(b);
    group.join(c);
    expect([group.mustRejoin(a), group.mustRejoin(b), group.mustRejoin(c)]).toEqual([true, false, false]);
    group.rejoin(a, new Uint8Array());
    expect([a, b, c].map(({ generation }) => generation)).toEqual([2, 2, 2]);
  });

  it("removes a silent member by its timer, but not one that waits inside poll", () => {
    const { clock, group } = newGroup();
    const [a, b] = [newMember(clock, "a"), newMember(clock, "b")];
    group.join(a);
    group.join(b);
    group.rejoin(a, new Uint8Array());
    a.isWaiting = true;
    clock.advance(100);
    expect([group.has(a), group.has(b)]).toEqual([true, false]);
    expect(group.mustRejoin(a)).toBe(true);
    expect(b.wake).toHaveBeenCalled();
    a.isWaiting = false;
    clock.advance(99);
    expect(group.has(a)).toBe(true);
    clock.advance(1);
    expect(group.has(a)).toBe(false);
    expect(clock.nextMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("goes on at the deadline without those who did not rejoin", () => {
    const { clock, group } = newGroup();
    const [a, b] = [newMember(clock, "a", { sessionTimeoutMs: 10_000 }), newMember(clock, "b")];
    group.join(a);
    group.join(b);
    for (let i = 0; i < 3; i++) {
      clock.advance(99);
      group.touch(b);
    }
    expect(b.generation).toBe(0);
    clock.advance(3);
    expect([group.has(a), b.generation, b.assignment.partitions.length]).toEqual([false, 2, 1]);
  });

  it("passes the lead on, and the error to its cause, when an assignor throws", () => {
    const { clock, group } = newGroup();
    const broken: Assignor = {
      name: "first",
      assign() {
        throw new Error("no idea");
      },
    };
    const [a, b] = [newMember(clock, "a"), newMember(clock, "b")];
    group.join(a);
    Object.assign(a, { assignor: broken });
    group.join(b);
    group.rejoin(a, new Uint8Array());
    expect([group.has(a), (a.failure as Error).message]).toEqual([false, "no idea"]);
    expect(b).toMatchObject({ generation: 2, assignment: { partitions: [{ topic: "t", partition: 0 }] } });
  });

  it("refuses a member with another assignor", () => {
    const { clock, group } = newGroup();
    group.join(newMember(clock, "a"));
    const other = newMember(clock, "b", { assignor: { ...everythingToTheFirst, name: "other" } });
    expect(() => group.join(other)).toThrow(/"first".*"other"/);
    expect(group.has(other)).toBe(false);
  });

  it("counts generations on after it was empty", () => {
    const { clock, group } = newGroup();
    const a = newMember(clock, "a");
    group.join(a);
    group.leave(a);
    const b = newMember(clock, "b");
    group.join(b);
    expect(b.generation).toBe(2);
  });
});
