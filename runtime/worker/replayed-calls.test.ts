import { describe, expect, it } from "vitest";
import type { CallOptions } from "../dsl/call.ts";
import { done } from "../dsl/outcome.ts";
import { replayTopicOf } from "../plan/internal-topics.ts";
import { replayHeaders } from "../resilience/replay-headers.ts";
import { CallTask, callingJob, endings, type Request, requests, results } from "./call-task.fixture.ts";

const REPLAYS = replayTopicOf("caller", requests.name);
const erasure = { subject: ({ customer }: Request) => customer, isOrder: ({ id }: Request) => id.endsWith("!") };

interface Call {
  readonly id: string;
  readonly idempotencyKey: string;
}

/** A task that also reads what is processed once more. */
async function calling(options: Partial<CallOptions<string, Request, Request>> = {}) {
  const calls: Call[] = [];
  const job = callingJob({
    tiers: ["10 seconds"],
    handler: (value, { idempotencyKey }) => {
      calls.push({ id: value.id, idempotencyKey });
      return done(value);
    },
    ...options,
  });
  const task = await CallTask.open(job, { replays: [REPLAYS] });
  /** Puts a record there as if it had lain at this offset of the input. */
  const replay = (id: string, offset: number, hasEffects: boolean) => {
    const from = { topic: requests.name, partition: 0, offset };
    task.append(REPLAYS, { ...task.encoded(id), headers: replayHeaders({ id: "again", from, hasEffects }) });
  };
  return { task, calls, replay };
}

describe("a call for a record that is processed once more", () => {
  it("is not made without effects: the record ends there, is counted, and never comes again", async () => {
    const { task, calls, replay } = await calling();
    await task.send("a1");
    replay("a1", 0, false);
    await task.settle();
    await task.commit();
    expect(calls.map(({ id }) => id)).toEqual(["a1"]);
    expect(await task.read(results.name)).toEqual(["a1"]);
    expect(task.metrics.effectsSkipped).toBe(1);
    expect(task.committed.get(REPLAYS)?.offset).toBe(1);
    // What is committed there is removed, of the input nothing is.
    const purgeable = task.task.purgeable.map(({ topic, offset }) => `${topic} ${offset}`);
    expect(purgeable).toContain(`${REPLAYS} 1`);
    expect(purgeable.filter((each) => each.startsWith(`${requests.name} `))).toEqual([]);
  });

  it("is with effects the call that it was: the same key, made of where the record lay", async () => {
    const { task, calls, replay } = await calling();
    await task.send("a1", "b1");
    replay("b1", 1, true);
    await task.settle();
    expect(calls).toHaveLength(3);
    expect(calls[2]).toEqual(calls[1]);
    expect(calls[2]!.idempotencyKey).not.toBe(calls[0]!.idempotencyKey);
  });

  it("is made after those for new records", async () => {
    const { task, calls, replay } = await calling();
    replay("old", 0, true);
    task.append(requests.name, task.encoded("new-1"), task.encoded("new-2"));
    await task.settle();
    expect(calls.map(({ id }) => id)).toEqual(["new-1", "new-2", "old"]);
  });

  it("that had not ended at a restart is made again, and none that had", async () => {
    let isStuck = true;
    const called: string[] = [];
    const { task, replay } = await calling({
      handler: ({ id, ...rest }) => {
        called.push(id);
        return isStuck && id === "a1" ? new Promise(() => undefined) : done({ id, ...rest });
      },
    });
    for (const [offset, id] of ["a1", "b1", "c1"].entries()) replay(id, offset, true);
    await task.settle();
    await task.commit();
    expect(task.committed.get(REPLAYS)?.offset).toBe(0);
    isStuck = false;
    called.length = 0;
    await task.restart();
    await task.settle();
    await task.commit();
    expect(called).toEqual(["a1"]);
    expect((await task.read(results.name)).sort()).toEqual(["a1", "b1", "c1"]);
    expect(task.committed.get(REPLAYS)?.offset).toBe(3);
  });

  it("is never made for somebody who has been forgotten since, also when the order comes once more", async () => {
    const { task, calls, replay } = await calling({ erasure });
    await task.send("a1", "a!", "a2", "a!", "b1");
    calls.length = 0;
    replay("a!", 1, true);
    replay("a1", 0, true);
    replay("a2", 2, true);
    replay("b1", 4, true);
    await task.settle();
    await task.commit();
    expect(calls.map(({ id }) => id)).toEqual(["b1"]);
    expect((await task.read(endings.name)).filter((each) => each.startsWith("a2"))).toEqual([]);
  });
});
