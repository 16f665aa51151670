import { describe, expect, it } from "vitest";
import { batch } from "../../../test/contract/log-under-test.ts";
import { memoryLog } from "../../log/embedded/memory-log.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { commitsOf } from "../lag/lag-window.ts";
import { verdictOf } from "../lag/verdict.ts";
import { jobFacts, task } from "./facts.fixture.ts";
import { observeInputs } from "./gather-inputs.ts";

/** A log with a topic "events", whose group "totals" is set to the next of some positions whenever time passes. */
async function observed(positions: readonly number[]) {
  const clock = new ManualClock();
  const log = await memoryLog({ clock });
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 } as const;
  await log.ensureTopics([{ topic: "events", partitions: 2, config }]);
  await log.produce([batch("events", 0, "a", "b", "c", "d", "e")]);
  const producer = await log.openTransactionalProducer("a-tool");
  const left = [...positions];
  const commitNext = async () => {
    const offset = left.shift();
    if (offset === undefined) return;
    await producer.begin();
    await producer.sendOffsets("totals", [{ topic: "events", partition: 0, offset, metadata: "" }]);
    await producer.commit();
  };
  await commitNext();
  const sleep = async (ms: number) => {
    clock.advance(ms);
    await commitNext();
  };
  const { overview } = jobFacts({ overviewChange: { tasks: [task(0, "a"), task(1, "b")] } });
  const passing = { now: () => clock.now(), after: clock.after.bind(clock), sleep };
  const found = (await observeInputs([overview], { log, clock: passing, sampleMs: 9_000 })).get("totals")!;
  await log.close();
  return found;
}

describe("observeInputs", () => {
  it("looks at the positions over the sample, and reads the record at each once", async () => {
    const found = await observed([0, 1, 2, 2, 2, 2, 2, 2, 3, 4]);
    const first = found.get("events/0")!;
    expect(first.looks.map(({ position }) => position)).toEqual([0, 1, 2, 2, 2, 2, 2, 2, 3, 4]);
    expect(first.looks.at(-1)!.atMs - first.looks[0]!.atMs).toBe(9_000);
    expect(first).toMatchObject({ position: 4, endOffset: 5, lag: 1, setBy: "others", head: { offset: 4 } });
    expect(found.get("events/1")).toMatchObject({ position: 0, lag: 0, setBy: "nobody", head: undefined });
  });

  it("sees a position that moves back", async () => {
    const { looks, lag } = (await observed([4, 4, 4, 0, 0, 0, 0, 1, 1, 1])).get("events/0")!;
    expect(verdictOf({ commits: commitsOf(looks), lag, nowMs: 9_000, windowMs: 9_000 })).toBe("rewound");
  });
});
