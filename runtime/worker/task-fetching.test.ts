import { describe, expect, it } from "vitest";
import type { GroupConsumer, TopicPartition } from "../log/port.ts";
import type { Task } from "./task.ts";
import { TaskFetching } from "./task-fetching.ts";

const INPUT = { topic: "events", partition: 0 };
const TIER = { topic: "events.retry", partition: 0 };

/** A task with an input and a tier, of which so much waits, and a consumer that knows what is fetched. */
function openFetching() {
  const waiting = { records: 0 };
  const task = {
    inputs: [INPUT, TIER],
    fetchPositions: [
      { ...INPUT, offset: 5 },
      { ...TIER, offset: 0 },
    ],
    get backlogs() {
      return [{ ...INPUT, records: waiting.records, bytes: 0, recordsMax: 100, bytesMax: 100 }];
    },
  };
  const fetched = new Set<string>();
  const consumer = {
    seek: () => undefined,
    pause: (some: readonly TopicPartition[]) => some.forEach(({ topic }) => void fetched.delete(topic)),
    resume: (some: readonly TopicPartition[]) => some.forEach(({ topic }) => void fetched.add(topic)),
  } as unknown as GroupConsumer;
  return { fetching: new TaskFetching(task as unknown as Task), consumer, fetched, waiting };
}

describe("what is fetched for a task", () => {
  it("is nothing while it is held, tiers included, and all but what is full afterwards", () => {
    const { fetching, consumer, fetched, waiting } = openFetching();
    fetching.position(consumer, false);
    expect([...fetched].sort()).toEqual(["events", "events.retry"]);
    waiting.records = 101;
    fetching.throttle(consumer, false);
    expect([...fetched]).toEqual(["events.retry"]);
    fetching.throttle(consumer, true);
    expect([...fetched]).toEqual([]);
    fetching.throttle(consumer, false);
    expect([...fetched]).toEqual(["events.retry"]);
    waiting.records = 10;
    fetching.throttle(consumer, false);
    expect([...fetched].sort()).toEqual(["events", "events.retry"]);
  });

  it("is nothing where it is positioned while it is held: after a start, or a rebalance", () => {
    const { fetching, consumer, fetched } = openFetching();
    fetching.position(consumer, true);
    fetching.throttle(consumer, true);
    expect([...fetched]).toEqual([]);
    fetching.throttle(consumer, false);
    expect([...fetched].sort()).toEqual(["events", "events.retry"]);
  });

  it("stays nothing behind a position that the log refuses, whoever resumes the job", () => {
    const { fetching, consumer, fetched } = openFetching();
    fetching.position(consumer, true);
    fetching.refuse(consumer, { ...INPUT, isReplaced: false } as never);
    fetching.throttle(consumer, false);
    expect([...fetched]).toEqual([]);
  });
});
