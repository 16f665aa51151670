import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Assignor, Log } from "../../runtime/log/port.ts";
import {
  batch,
  codeOf,
  type LogFactory,
  type LogUnderTest,
  newTopic,
  partitionsOf,
  pollUntil,
  roundRobin,
  TestMember,
} from "./log-under-test.ts";

/** The promises of GroupConsumer: Kafka's classic, eager protocol. */
export function describeGroupsContract(name: string, factory: LogFactory): void {
  describe(`Groups: ${name}`, () => {
    let subject: LogUnderTest;
    let log: Log;
    let groupId: string;
    beforeEach(async () => {
      subject = await factory();
      log = subject.log;
      groupId = `contract-${randomUUID()}`;
    });
    afterEach(() => subject.cleanup());

    const join = (topic: string, options?: Parameters<typeof TestMember.join>[3]) =>
      TestMember.join(subject, groupId, [topic], options);
    const sharesAll = (members: readonly TestMember[], partitions: number) => () =>
      members.reduce((sum, { assigned }) => sum + assigned.length, 0) === partitions &&
      new Set(members.map(({ consumer }) => consumer.generation)).size === 1 &&
      members.every(({ consumer }) => consumer.generation > 0);
    const have = (member: TestMember, records: number) => () => member.records.length >= records;

    it("assigns everything to the only member, which reads it", async () => {
      const topic = await newTopic(log, 3);
      await log.produce([batch(topic, 0, "a"), batch(topic, 1, "b"), batch(topic, 2, "c")]);
      const member = await join(topic);
      await pollUntil(subject, [member], have(member, 3));
      expect(member.events).toEqual(["assigned 0,1,2"]);
      expect(member.texts.sort()).toEqual(["a", "b", "c"]);
      expect(member.consumer.memberId).toMatch(/./);
      await member.consumer.close();
    });

    it("divides the partitions when a second member joins", async () => {
      const topic = await newTopic(log, 4);
      const first = await join(topic);
      await pollUntil(subject, [first], sharesAll([first], 4));
      const generation = first.consumer.generation;
      const second = await join(topic, { log: await subject.secondLog() });
      await pollUntil(subject, [first, second], () => second.assigned.length === 2 && first.assigned.length === 2);
      expect(first.events.slice(0, 2)).toEqual(["assigned 0,1,2,3", "rebalance"]);
      expect(second.events).not.toContain("rebalance");
      expect(first.consumer.generation).toBeGreaterThan(generation);
      expect(first.consumer.generation).toBe(second.consumer.generation);
      expect(first.consumer.memberId).not.toBe(second.consumer.memberId);
      const all = [...first.assigned, ...second.assigned].map(({ partition }) => partition);
      expect(all.sort()).toEqual([0, 1, 2, 3]);
      await first.consumer.close();
      await second.consumer.close();
    });

    it("counts the partitions of the topics that there are, and makes none", async () => {
      const [topic, other] = [await newTopic(log, 3), await newTopic(log, 1)];
      const missing = `missing-${randomUUID()}`;
      expect(await log.countPartitions([topic, missing, other])).toEqual(
        new Map([
          [topic, 3],
          [other, 1],
        ]),
      );
      expect(await log.countPartitions([missing, "x".repeat(300), "not a name"])).toEqual(new Map());
      expect((await log.describeTopics()).map((description) => description.topic)).not.toContain(missing);
    });

    it("describes who is in a group, with what they say of themselves and what they have", async () => {
      const topic = await newTopic(log, 2);
      const first = await join(topic);
      first.userDataText = "one";
      await pollUntil(subject, [first], sharesAll([first], 2));
      const other = await subject.secondLog();
      expect(await other.describeGroup(groupId)).toEqual({
        groupId,
        status: "settled",
        members: [
          {
            memberId: first.consumer.memberId,
            clientId: "tester",
            host: expect.any(String),
            userData: expect.anything(),
            assignment: partitionsOf(topic, 2),
          },
        ],
      });
      const [described] = (await other.describeGroup(groupId)).members;
      expect(Buffer.from(described!.userData).toString()).toBe("one");

      const second = await join(topic);
      await second.poll(subject.pollWaitMs);
      await expect.poll(async () => (await log.describeGroup(groupId)).status).toBe("rebalancing");
      second.userDataText = "two";
      await pollUntil(subject, [first, second], sharesAll([first, second], 2));
      const both = await log.describeGroup(groupId);
      expect(both.status).toBe("settled");
      expect(new Map(both.members.map(({ memberId, assignment }) => [memberId, assignment]))).toEqual(
        new Map([first, second].map(({ consumer, assigned }) => [consumer.memberId, assigned])),
      );

      await first.consumer.close();
      await second.consumer.close();
      expect(await log.describeGroup(groupId)).toEqual({ groupId, status: "empty", members: [] });
    });

    it("deletes a group with all that it has committed, once nobody is in it", async () => {
      const topic = await newTopic(log, 2);
      await log.produce([batch(topic, 0, "a"), batch(topic, 1, "b")]);
      const member = await join(topic);
      await pollUntil(subject, [member], have(member, 2));
      const committed = partitionsOf(topic, 2).map((where) => ({ ...where, offset: 1, metadata: "m" }));
      await member.consumer.commit(committed);
      const other = await subject.secondLog();
      expect(await codeOf(other.deleteGroup(groupId))).toBe("LOG_GROUP_NOT_EMPTY");
      expect(await other.committedOffsets(groupId, partitionsOf(topic, 2))).toEqual(committed);
      await member.consumer.close();
      await other.deleteGroup(groupId);
      expect(await log.committedOffsets(groupId, partitionsOf(topic, 2))).toEqual([]);
      expect(await log.describeGroup(groupId)).toEqual({ groupId, status: "empty", members: [] });

      await log.deleteGroup(groupId);
      const next = await join(topic);
      await pollUntil(subject, [next], have(next, 2));
      expect(next.texts.sort()).toEqual(["a", "b"]);
      await next.consumer.close();
    });

    it("gives everything to the one that stays when the other is removed, which joins again if it lives", async () => {
      const topic = await newTopic(log, 2);
      const first = await join(topic);
      const second = await join(topic);
      await pollUntil(subject, [first, second], sharesAll([first, second], 2));
      await log.removeMember(groupId, second.consumer.memberId);
      await log.removeMember(groupId, "nobody");
      await log.removeMember(`${groupId}-unknown`, second.consumer.memberId);
      await pollUntil(subject, [first], () => first.assigned.length === 2);
      expect(second.events).not.toContain("lost");
      await pollUntil(subject, [first, second], sharesAll([first, second], 2));
      expect(second.events).toContain("lost");
      await first.consumer.close();
      await second.consumer.close();
    });

    it("gives everything to the one that stays when the other leaves", async () => {
      const topic = await newTopic(log, 2);
      const first = await join(topic);
      const second = await join(topic);
      await pollUntil(subject, [first, second], sharesAll([first, second], 2));
      await second.consumer.close();
      await pollUntil(subject, [first], () => first.assigned.length === 2);
      expect(second.events).not.toContain("rebalance");
      expect(second.events).not.toContain("lost");
      await first.consumer.close();
    });

    it("goes on from the committed offsets, with their metadata", async () => {
      const topic = await newTopic(log);
      const where = { topic, partition: 0 };
      await log.produce([batch(topic, 0, "a", "b", "c")]);
      const first = await join(topic);
      await pollUntil(subject, [first], have(first, 3));
      await first.consumer.commit([{ ...where, offset: 2, metadata: "sequence 7" }]);
      expect(await log.committedOffsets(groupId, [where])).toEqual([{ ...where, offset: 2, metadata: "sequence 7" }]);
      await first.consumer.close();
      const second = await join(topic);
      await pollUntil(subject, [second], have(second, 1));
      expect(second.texts).toEqual(["c"]);
      await second.consumer.close();
    });

    it("accepts the commit of a member that is about to rejoin", async () => {
      const topic = await newTopic(log);
      const where = { topic, partition: 0 };
      const first = await join(topic);
      await pollUntil(subject, [first], sharesAll([first], 1));
      first.beforeRejoin = () => first.consumer.commit([{ ...where, offset: 0, metadata: "last words" }]);
      const second = await join(topic);
      await pollUntil(subject, [first, second], sharesAll([first, second], 1));
      expect(first.events).toContain("rebalance");
      expect(await log.committedOffsets(groupId, [where])).toMatchObject([{ metadata: "last words" }]);
      await first.consumer.close();
      await second.consumer.close();
    });

    it("fences the commit of a member that was removed, and tells it that it lost everything", async () => {
      const topic = await newTopic(log);
      const slow = await join(topic);
      await pollUntil(subject, [slow], sharesAll([slow], 1));
      const oldId = slow.consumer.memberId;
      await subject.advance(subject.sessionTimeoutMs);
      const other = await join(topic);
      await pollUntil(subject, [other], sharesAll([other], 1));
      expect(await codeOf(slow.consumer.commit([{ topic, partition: 0, offset: 0, metadata: "" }]))).toBe("LOG_FENCED");
      expect(await slow.consumer.heartbeat()).toBe(false);
      await pollUntil(subject, [slow, other], () => slow.events.includes("lost") && sharesAll([slow, other], 1)());
      expect(slow.events.slice(0, 2)).toEqual(["assigned 0", "lost"]);
      expect(slow.events).not.toContain("rebalance");
      expect(slow.consumer.memberId).not.toBe(oldId);
      await slow.consumer.close();
      await other.consumer.close();
    });

    it("keeps the session of a member that only sends heartbeats", async () => {
      const topic = await newTopic(log);
      const busy = await join(topic);
      await pollUntil(subject, [busy], sharesAll([busy], 1));
      for (let i = 0; i < 4; i++) {
        await subject.advance(subject.sessionTimeoutMs / 2);
        expect(await busy.consumer.heartbeat()).toBe(true);
      }
      await busy.consumer.commit([{ topic, partition: 0, offset: 0, metadata: "" }]);
      expect(busy.events).toEqual(["assigned 0"]);
      await busy.consumer.close();
    });

    it("tells a heartbeat that a rebalance waits", async () => {
      const topic = await newTopic(log);
      const first = await join(topic);
      await pollUntil(subject, [first], sharesAll([first], 1));
      const second = await join(topic);
      const joining = second.poll(subject.pollWaitMs);
      await expect.poll(() => first.consumer.heartbeat(), { timeout: 10_000 }).toBe(false);
      await joining;
      await pollUntil(subject, [first, second], sharesAll([first, second], 1));
      expect(await first.consumer.heartbeat()).toBe(true);
      await first.consumer.close();
      await second.consumer.close();
    });

    it("goes on without a member that does not rejoin in time", async () => {
      const topic = await newTopic(log, 2);
      const stuck = await join(topic);
      await pollUntil(subject, [stuck], sharesAll([stuck], 2));
      const second = await join(topic);
      await second.poll(subject.pollWaitMs);
      expect(second.assigned).toEqual([]);
      for (let waitedMs = 0; waitedMs <= subject.rebalanceTimeoutMs; waitedMs += subject.sessionTimeoutMs / 2) {
        await stuck.consumer.heartbeat();
        await subject.advance(subject.sessionTimeoutMs / 2);
        await second.poll(subject.pollWaitMs);
      }
      await pollUntil(subject, [second], () => second.assigned.length === 2);
      await pollUntil(subject, [stuck, second], () => stuck.events.includes("lost"));
      await stuck.consumer.close();
      await second.consumer.close();
    });

    it("returns an empty list while it waits for others, and joins in a later poll", async () => {
      const topic = await newTopic(log);
      const first = await join(topic);
      await pollUntil(subject, [first], sharesAll([first], 1));
      const second = await join(topic);
      expect(await second.consumer.poll(0)).toEqual([]);
      await pollUntil(subject, [first, second], sharesAll([first, second], 1));
      await first.consumer.close();
      await second.consumer.close();
    });

    it("wakes a waiting member for a rebalance", async () => {
      const topic = await newTopic(log, 2);
      const first = await join(topic);
      await pollUntil(subject, [first], sharesAll([first], 2));
      const waiting = first.poll(60_000);
      const second = await join(topic);
      const joined = second.poll(60_000);
      await expect.poll(() => second.assigned.length, { timeout: 10_000 }).toBe(1);
      await log.produce([batch(topic, 0, "a"), batch(topic, 1, "b")]);
      await Promise.all([waiting, joined]);
      expect([...first.texts, ...second.texts].sort()).toEqual(["a", "b"]);
      await first.consumer.close();
      await second.consumer.close();
    });

    it("wakes a waiting member when the session of another expires", async () => {
      const topic = await newTopic(log, 2);
      const first = await join(topic);
      const silent = await join(topic);
      await pollUntil(subject, [first, silent], sharesAll([first, silent], 2));
      const waiting = first.poll(subject.sessionTimeoutMs * 10);
      await subject.advance(subject.sessionTimeoutMs);
      await expect.poll(() => first.assigned.length, { timeout: 10_000 }).toBe(2);
      await first.consumer.close();
      await waiting;
      await silent.consumer.close();
    });

    it("gives nothing of a partition before it was positioned", async () => {
      const topic = await newTopic(log, 2);
      await log.produce([batch(topic, 0, "a"), batch(topic, 1, "b")]);
      const member = await join(topic);
      member.onAssigned = async ({ partitions }) => {
        member.assigned = partitions;
        member.consumer.seek([{ topic, partition: 1, offset: 0 }]);
      };
      await pollUntil(subject, [member], have(member, 1));
      for (let i = 0; i < 3; i++) await member.poll(subject.pollWaitMs);
      expect(member.texts).toEqual(["b"]);
      member.consumer.seek([{ topic, partition: 0, offset: 0 }]);
      await pollUntil(subject, [member], have(member, 2));
      expect(member.texts).toEqual(["b", "a"]);
      await member.consumer.close();
    });

    it("pauses, resumes and moves partitions", async () => {
      const topic = await newTopic(log, 2);
      const member = await join(topic);
      await pollUntil(subject, [member], sharesAll([member], 2));
      member.consumer.pause([{ topic, partition: 0 }]);
      await log.produce([batch(topic, 0, "a"), batch(topic, 1, "b")]);
      await pollUntil(subject, [member], have(member, 1));
      for (let i = 0; i < 3; i++) await member.poll(subject.pollWaitMs);
      expect(member.texts).toEqual(["b"]);
      member.consumer.resume([{ topic, partition: 0 }]);
      await pollUntil(subject, [member], have(member, 2));
      member.consumer.seek([{ topic, partition: 1, offset: 0 }]);
      await pollUntil(subject, [member], have(member, 3));
      expect(member.texts).toEqual(["b", "a", "b"]);
      await member.consumer.close();
    });

    it("tells each member what the assignor says to it", async () => {
      const topic = await newTopic(log, 2);
      const first = await join(topic);
      const second = await join(topic);
      await pollUntil(subject, [first, second], sharesAll([first, second], 2));
      expect([first.told, second.told].sort()).toEqual(["share 0", "share 1"]);
      await first.consumer.close();
      await second.consumer.close();
    });

    it("assigns anew when a member asks, by what all say of themselves then", async () => {
      const topic = await newTopic(log, 2);
      const asked: string[] = [];
      const assignor: Assignor = {
        name: "spy",
        assign(members, partitionCounts) {
          asked.push(members.map(({ userData }) => Buffer.from(userData).toString()).join());
          return roundRobin.assign(members, partitionCounts);
        },
      };
      const leader = await join(topic, { assignor });
      await pollUntil(subject, [leader], sharesAll([leader], 2));
      const follower = await join(topic, { assignor });
      await pollUntil(subject, [leader, follower], sharesAll([leader, follower], 2));
      for (const member of [leader, follower]) {
        const { generation } = member.consumer;
        member.userDataText = `after ${generation}`;
        member.consumer.requestRebalance();
        await pollUntil(
          subject,
          [leader, follower],
          () => member.consumer.generation > generation && sharesAll([leader, follower], 2)(),
        );
        expect(asked.at(-1)).toContain(`after ${generation}`);
      }
      await leader.consumer.close();
      await follower.consumer.close();
    });

    it("hands the user data of all members to the assignor of one", async () => {
      const topic = await newTopic(log, 2);
      const asked: string[] = [];
      const assignor: Assignor = {
        name: "spy",
        assign(members, partitionCounts) {
          asked.push(members.map(({ userData }) => Buffer.from(userData).toString()).join());
          expect([...partitionCounts]).toEqual([[topic, 2]]);
          return roundRobin.assign(members, partitionCounts);
        },
      };
      const first = await join(topic, { assignor });
      first.userDataText = "one";
      await pollUntil(subject, [first], sharesAll([first], 2));
      const second = await join(topic, { assignor });
      first.userDataText = "uno";
      second.userDataText = "due";
      await pollUntil(subject, [first, second], sharesAll([first, second], 2));
      expect(asked[0]).toBe("one");
      expect(asked.at(-1)!.split(",").sort()).toEqual(["due", "uno"]);
      await first.consumer.close();
      await second.consumer.close();
    });

    it("reads committed records only", async () => {
      const topic = await newTopic(log);
      const member = await join(topic);
      await pollUntil(subject, [member], sharesAll([member], 1));
      const producer = await log.openTransactionalProducer(`contract-${randomUUID()}`);
      await producer.begin();
      await producer.produce([batch(topic, 0, "wrong")]);
      await producer.abort();
      await producer.begin();
      await producer.produce([batch(topic, 0, "right")]);
      await producer.commit();
      await pollUntil(subject, [member], have(member, 1));
      expect(member.texts).toEqual(["right"]);
      await member.consumer.close();
    });

    it("refuses an unknown topic", async () => {
      expect(await codeOf(join(`${await newTopic(log)}x`))).toBe("LOG_UNKNOWN_TOPIC");
    });

    it("keeps groups apart", async () => {
      const topic = await newTopic(log, 2);
      await log.produce([batch(topic, 0, "a")]);
      const one = await join(topic);
      const other = await TestMember.join(subject, `${groupId}-other`, [topic]);
      await pollUntil(subject, [one, other], () => one.records.length === 1 && other.records.length === 1);
      await one.consumer.commit([{ topic, partition: 0, offset: 1, metadata: "" }]);
      expect(await log.committedOffsets(`${groupId}-other`, partitionsOf(topic, 2))).toEqual([]);
      await one.consumer.close();
      await other.consumer.close();
    });

    it("wakes a waiting member with nothing when it is closed", async () => {
      const topic = await newTopic(log);
      const member = await join(topic);
      await pollUntil(subject, [member], sharesAll([member], 1));
      const polled = member.consumer.poll(60_000);
      await member.consumer.close();
      expect(await polled).toEqual([]);
      expect(await codeOf(member.consumer.poll(0))).toBe("LOG_CLOSED");
      await member.consumer.close();
    });
  });
}
