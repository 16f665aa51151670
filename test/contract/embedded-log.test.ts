import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { Level } from "level";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import type { EmbeddedLog } from "../../runtime/log/embedded/embedded-log.ts";
import { memoryLog } from "../../runtime/log/embedded/memory-log.ts";
import { openEmbeddedLog } from "../../runtime/log/embedded/open-embedded-log.ts";
import type { LogAccess } from "../../runtime/log/port.ts";
import { ManualClock } from "../../runtime/testing/manual-clock.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { describeLogAccessContract } from "./log-access-contract.ts";
import { describeLogContract } from "./log-contract.ts";
import { describeTransactionsContract } from "./log-transactions-contract.ts";
import type { LogUnderTest } from "./log-under-test.ts";

const timeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, transactionTimeoutMs: 60_000 };

function underTest(log: EmbeddedLog, clock: ManualClock, release: () => Promise<void>): LogUnderTest {
  return {
    log,
    secondLog: async () => log,
    now: () => clock.now(),
    async advance(ms) {
      // Those who began to wait just now must have come to their timers.
      for (let i = 0; i < 5; i++) await turn();
      clock.advance(ms);
      for (let i = 0; i < 5; i++) await turn();
    },
    pollWaitMs: 0,
    ...timeouts,
    async cleanup() {
      await log.close();
      await release();
    },
  };
}

const temporaryFolder = () => mkdtemp(path.join(os.tmpdir(), "mulgil-"));

describeLogContract("embedded, in memory", async () => {
  const clock = new ManualClock();
  return underTest(await memoryLog({ clock }), clock, async () => {});
});

describeLogContract("embedded, on LevelDB without a cache", async () => {
  const clock = new ManualClock();
  const folder = await temporaryFolder();
  const database = new Level<Buffer, Buffer>(folder, { keyEncoding: "buffer", valueEncoding: "buffer" });
  const log = await openEmbeddedLog({ database, clock, tailCacheBytesMax: 0 });
  return underTest(log, clock, async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
});

/** Guests of a data directory; `clock` is that of the process that has it. */
async function throughSocket(clock: Clock, advance: (ms: number) => Promise<void>): Promise<LogUnderTest<LogAccess>> {
  const folder = await temporaryFolder();
  const owner = await openDataDirectory(folder, { clock, mode: "owner" });
  const clients: { close(): Promise<void> }[] = [];
  const connect = async (): Promise<LogAccess> => {
    const client = await openDataDirectory(folder, { clock: systemClock, mode: "client" });
    clients.push(client);
    return client.log;
  };
  return {
    log: await connect(),
    secondLog: connect,
    now: () => clock.now(),
    advance,
    pollWaitMs: 0,
    ...timeouts,
    async cleanup() {
      for (const client of clients) await client.close();
      await owner.close();
      await rm(folder, { recursive: true });
    },
  };
}

describeLogAccessContract("embedded, through the socket of a data directory", () =>
  throughSocket(systemClock, (ms) => systemClock.sleep(ms)),
);

describeTransactionsContract("embedded, through the socket of a data directory", () => {
  const clock = new ManualClock();
  return throughSocket(clock, async (ms) => {
    // What was sent must have come to the other side of the socket.
    await systemClock.sleep(100);
    clock.advance(ms);
  });
});
