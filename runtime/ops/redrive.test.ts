import { beforeEach, describe, expect, it } from "vitest";
import { memoryLog } from "../log/embedded/memory-log.ts";
import type { Log } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { systemClock } from "../time/system-clock.ts";
import { marksPartition, readMarks } from "./dead-letter-marks.ts";
import { type DeadLetter, deadLetterOf } from "./dead-letters.ts";
import { DeadLetterDesk } from "./redrive.ts";

const KEPT = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
const TO = { topic: "books.orders.replay", partition: 1 };

let log: Log;
beforeEach(async () => {
  log = await memoryLog({ clock: systemClock });
  await log.ensureTopics([{ topic: TO.topic, partitions: 2, config: KEPT }]);
});

function letter(offset: number): DeadLetter {
  const headers = {
    shop: "web",
    "mulgil.dlq.code": "AMOUNT",
    "mulgil.dlq.step": "map",
    "mulgil.dlq.topic": "orders",
    "mulgil.dlq.partition": "1",
    "mulgil.dlq.offset": String(100 + offset),
    "mulgil.dlq.timestamp": "1000",
    "mulgil.redrive.count": "1",
  };
  return deadLetterOf({
    ...{ topic: "books.dlq", partition: 0, offset, timestampMs: 2_000 },
    ...{ key: Buffer.from(`key-${offset}`), value: Buffer.from("broken") },
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  });
}
const redriven = (offset: number) => ({ letter: letter(offset), to: TO, value: Buffer.from("mended") });
const open = (incarnation = "first") => DeadLetterDesk.open(log, "books", incarnation);
const written = async () => (await readPartition(log, TO)).map(({ key }) => key?.toString());

describe("dead letters on their way back", () => {
  it("are as they were, but for what was mended, and say where they have been", async () => {
    await (await open()).redrive([redriven(4)], 5_000);
    const [record] = await readPartition(log, TO);
    const headers = Object.entries(record!.headers ?? {}).map(([name, value]) => [name, value.toString()]);
    expect(record).toMatchObject({ key: Buffer.from("key-4"), value: Buffer.from("mended"), timestampMs: 1_000 });
    expect(Object.fromEntries(headers)).toEqual({
      shop: "web",
      "mulgil.redrive": "books.dlq/0/4",
      "mulgil.redrive.count": "2",
      "mulgil.replay": "redrive books.dlq/0/4",
      "mulgil.replay.from": "orders/1/104",
      "mulgil.replay.effects": "true",
    });
  });

  it("are marked in the same transaction", async () => {
    await (await open()).redrive([redriven(1), redriven(2)], 5_000);
    const marks = await readMarks(log, "books", "first");
    expect([0, 1, 2].map((offset) => marks.of({ partition: 0, offset }))).toEqual([undefined, "redriven", "redriven"]);
  });

  it("do not go when another desk has been opened since: what that knows is all there is", async () => {
    const first = await open();
    await first.redrive([redriven(1)], 5_000);
    const second = await open();
    await expect(first.redrive([redriven(2)], 5_000)).rejects.toMatchObject({ code: "LOG_FENCED" });
    expect(second.marks.of({ partition: 0, offset: 1 })).toBe("redriven");
    expect(second.marks.of({ partition: 0, offset: 2 })).toBeUndefined();
    await second.redrive([redriven(2)], 5_000);
    expect(await written()).toEqual(["key-1", "key-2"]);
  });

  it("go with their marks or not at all: what a killed redrive left open is taken back", async () => {
    await log.ensureTopics([
      { ...marksPartition("books"), partitions: 1, config: { ...KEPT, cleanupPolicy: "compact" } },
    ]);
    const killed = await log.openTransactionalProducer("mulgil.redrive.books.dlq");
    await killed.begin();
    await killed.produce([{ ...TO, records: [{ key: Buffer.from("half"), value: null, timestampMs: 1 }] }]);
    const desk = await open();
    await desk.redrive([redriven(1)], 5_000);
    expect(await written()).toEqual(["key-1"]);
  });

  it("are not known by marks of a DLQ that was deleted and made again", async () => {
    await (await open("first")).redrive([redriven(1)], 5_000);
    const desk = await open("second");
    expect(desk.marks.of({ partition: 0, offset: 1 })).toBeUndefined();
  });

  it("need no mark any more when they are gone", async () => {
    const desk = await open();
    await desk.redrive([redriven(1), redriven(5)], 5_000);
    await desk.purge([{ partition: 0, offset: 7 }], 5_000);
    await desk.forgetBefore({ partition: 0, offset: 5 }, 6_000);
    const marks = await readMarks(log, "books", "first");
    expect([1, 5, 7].map((offset) => marks.of({ partition: 0, offset }))).toEqual([undefined, "redriven", "purged"]);
    expect((await readPartition(log, marksPartition("books"))).at(-1)).toMatchObject({ value: null });
  });
});
