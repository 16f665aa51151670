import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../time/system-clock.ts";
import type { TopicSpec } from "../port.ts";
import { openDataDirectory } from "./data-directory.ts";

const TOPIC: TopicSpec = {
  topic: "t",
  partitions: 1,
  config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 },
};
const BATCH = { topic: "t", partition: 0, records: [{ key: null, value: Buffer.from("a"), timestampMs: 0 }] };

async function directory() {
  const folder = await mkdtemp(path.join(tmpdir(), "mulgil-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return (mode: "owner" | "client") => openDataDirectory(folder, { clock: systemClock, mode });
}

it("says that nothing is known of a transaction whose owner went away before it answered", async () => {
  const open = await directory();
  const owner = await open("owner");
  await owner.log.ensureTopics([TOPIC]);
  const guest = await open("client");
  const producer = await guest.log.openTransactionalProducer("id");
  await producer.begin();
  await producer.produce([BATCH]);
  await owner.close();
  await expect(producer.commit()).rejects.toMatchObject({ code: "LOG_INDEFINITE" });
  await producer.close();
  await guest.close();
});

it("leaves what a guest that went away had begun to its successor", async () => {
  const open = await directory();
  const owner = await open("owner");
  await owner.log.ensureTopics([TOPIC]);
  const gone = await open("client");
  const producer = await gone.log.openTransactionalProducer("id");
  await producer.begin();
  await producer.produce([BATCH]);
  await gone.close();
  const endOf = async () => (await owner.log.listOffsets([BATCH], "latest", "read_committed"))[0]!.offset;
  expect(await endOf()).toBe(0);
  await owner.log.openTransactionalProducer("id");
  expect(await endOf()).toBe(2);
  await owner.close();
});
