import { expect, it, onTestFinished } from "vitest";
import { memoryLog } from "../../log/embedded/memory-log.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { DEAD_LETTER_HEADERS } from "../../worker/dead-letter.ts";
import { DeadLetterMarks } from "../dead-letter-marks.ts";
import { deadLetterGroups } from "./gather-dead-letters.ts";

it("counts what lies in the DLQ, and not what people have dealt with", async () => {
  const clock = new ManualClock();
  const log = await memoryLog({ clock });
  onTestFinished(() => log.close());
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1_000 } as const;
  await log.ensureTopics([{ topic: "job.dlq", partitions: 1, config }]);
  const headers = { [DEAD_LETTER_HEADERS.code]: Buffer.from("WRONG"), [DEAD_LETTER_HEADERS.step]: Buffer.from("map") };
  const letter = { key: null, value: Buffer.from("x"), timestampMs: clock.now(), headers };
  await log.produce([{ topic: "job.dlq", partition: 0, records: [letter, letter, letter] }]);
  const marks = new DeadLetterMarks();
  const found = async () => (await deadLetterGroups(log, "job.dlq", { clock, marks })).map(({ count }) => count);
  expect(await found()).toEqual([3]);
  marks.set({ partition: 0, offset: 0 }, "redriven");
  marks.set({ partition: 0, offset: 2 }, "purged");
  expect(await found()).toEqual([1]);
  marks.set({ partition: 0, offset: 1 }, "redriven");
  expect(await found()).toEqual([]);
});
