import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../time/system-clock.ts";
import { openDataDirectory } from "./data-directory.ts";

/** A real process is killed while it writes to LevelDB; its successor must find what it had been promised. */

const PROGRAM = `
  import { systemClock } from ${JSON.stringify(new URL("../../time/system-clock.ts", import.meta.url).href)};
  import { openDataDirectory } from ${JSON.stringify(new URL("./data-directory.ts", import.meta.url).href)};
  const { log } = await openDataDirectory(process.argv[2], { clock: systemClock, mode: "owner" });
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 0 };
  await log.ensureTopics([{ topic: "t", partitions: 2, config }, { topic: "c", partitions: 1, config: { ...config, cleanupPolicy: "compact" } }]);
  const producer = await log.openTransactionalProducer("id");
  const [last] = await log.committedOffsets("g", [{ topic: "t", partition: 0 }]);
  for (let i = last?.offset ?? 0; ; i++) {
    await producer.begin();
    const records = [{ key: Buffer.from("k" + (i % 5)), value: Buffer.from(String(i)), timestampMs: 0 }];
    await producer.produce([{ topic: "t", partition: 0, records }, { topic: "c", partition: 0, records }]);
    await producer.produce([{ topic: "t", partition: 1, records }]);
    await producer.sendOffsets("g", [{ topic: "t", partition: 0, offset: i + 1, metadata: "" }]);
    await producer.commit();
    process.send(i);
    if (i % 50 === 0) await log.maintain();
  }
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function start(): Promise<{ readonly child: ChildProcess; readonly acknowledged: number[] }> {
  const program = path.join(folder, "program.mjs");
  await writeFile(program, PROGRAM);
  const child = fork(program, [path.join(folder, "data")], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const acknowledged: number[] = [];
  child.on("message", (i) => acknowledged.push(Number(i)));
  return { child, acknowledged };
}

it("loses nothing and doubles nothing when its process is killed, again and again", async () => {
  for (let round = 0; round < 3; round++) {
    const { child, acknowledged } = await start();
    const errors: string[] = [];
    child.stderr?.on("data", (chunk) => errors.push(String(chunk)));
    await expect.poll(() => acknowledged.length + errors.length, { timeout: 15_000 }).toBeGreaterThan(20 + round * 17);
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
    expect(errors).toEqual([]);
    const { log, close } = await openDataDirectory(path.join(folder, "data"), { clock: systemClock, mode: "owner" });
    await log.openTransactionalProducer("id");
    const reader = await log.openReader({ isolation: "read_committed" });
    const partitions = [
      { topic: "t", partition: 0 },
      { topic: "t", partition: 1 },
    ];
    reader.assign(partitions.map((where) => ({ ...where, offset: 0 })));
    const found: number[][] = [[], []];
    for (;;) {
      const batches = await reader.poll(0);
      if (batches.length === 0) break;
      for (const { partition, records } of batches)
        found[partition]!.push(...records.map(({ value }) => Number(value)));
    }
    expect(found[0]).toEqual(found[0]!.map((_, i) => i));
    expect(found[1]).toEqual(found[0]);
    expect(found[0]!.length).toBeGreaterThanOrEqual(acknowledged.at(-1)! + 1);
    const [committed] = await log.committedOffsets("g", partitions);
    expect(committed?.offset).toBe(found[0]!.length);
    await close();
  }
});
