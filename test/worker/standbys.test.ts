import type { JobEvent } from "mulgil";
import { describe, expect, it } from "vitest";
import type { Log } from "../../runtime/log/port.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { JobsRun } from "../../runtime/worker/run-jobs.ts";
import type { WorkerEnvironment } from "../../runtime/worker/worker-environment.ts";
import { type MemoryDisk, memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const PARTITIONS = 4;
const IDS = 200;

interface Place {
  readonly run: JobsRun;
  readonly events: JobEvent[];
  readonly disk: MemoryDisk;
}

/** Processes on machines of their own. */
async function openCluster(standbys: number) {
  const harness = await openHarness();
  await harness.createTopic(payments.name, PARTITIONS);
  const job = totalsById({ standbys });
  const start = async (
    location: string,
    disk = memoryDisk(),
    more: Partial<WorkerEnvironment> = {},
  ): Promise<Place> => {
    const events: JobEvent[] = [];
    const environment = { disk, location, onEvent: (event: JobEvent) => void events.push(event), ...more };
    const run = await harness.start([job], { isShared: true, environment });
    return { run, events, disk };
  };
  const produce = () =>
    harness.produce(
      payments,
      Array.from({ length: IDS }, (_, n) => payment(`p${n}`, `c${n % 7}`, n)),
    );
  return { harness, start, produce };
}

const CHANGELOG = "byId.byId.changelog";
/** The log with some of its methods replaced. */
const logWith = (log: Log, methods: Partial<Log>): Log =>
  new Proxy(log, {
    get(target, name) {
      const found = Reflect.get({ ...methods }, name) ?? Reflect.get(target, name);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });

const statusOf = async ({ run }: Place) => (await run.status())[0]!;
const restoredOf = ({ events }: Place, isStandby: boolean) =>
  events.filter((event) => event.kind === "restored").filter((event) => (event.standby === true) === isStandby);
const evenly = (places: readonly Place[]) =>
  expect
    .poll(async () => (await Promise.all(places.map(statusOf))).map(({ tasks }) => tasks))
    .toEqual(places.map(() => (2 * PARTITIONS) / places.length));

describe("standbys", () => {
  it("take over from where they are, without reading the changelog again", async () => {
    const { harness, start, produce } = await openCluster(1);
    const [one, two] = [await start("one"), await start("two")];
    await evenly([one, two]);
    await produce();
    await Promise.all([one.run.untilIdle(), two.run.untilIdle()]);
    await expect.poll(async () => (await statusOf(two)).standbys).toBe(PARTITIONS / 2);
    await one.run.stop();
    two.events.length = 0;
    await expect.poll(async () => (await statusOf(two)).tasks).toBe(2 * PARTITIONS);
    await produce();
    await two.run.untilIdle();
    const taken = restoredOf(two, false);
    expect(taken.map(({ reason }) => reason)).toEqual(["trusted", "trusted"]);
    // What came in between is read, and not the state as a whole.
    expect(taken.reduce((sum, { entries }) => sum + entries, 0)).toBeLessThan(IDS / 4);
    await two.run.stop();
    const counts = new Map((await harness.read(totals)).map(({ key, value }) => [key, value.count]));
    expect([...counts.values()]).toEqual(Array.from({ length: IDS }, () => 2));
  });

  it("keep no copy on a disk that has the state already", async () => {
    const { start } = await openCluster(1);
    const [one, two] = [await start("here"), await start("here")];
    await evenly([one, two]);
    expect((await statusOf(one)).standbys + (await statusOf(two)).standbys).toBe(0);
    await Promise.all([one.run.stop(), two.run.stop()]);
  });

  it("that fail are told, and tried again, and hold up nobody", async () => {
    const { start, produce } = await openCluster(1);
    const broken = memoryDisk();
    let failures = 0;
    const open = broken.open.bind(broken);
    const disk = Object.assign(Object.create(broken) as MemoryDisk, {
      open: (path: string) => (failures++ === 0 ? Promise.reject(new Error("no disk yet")) : open(path)),
    });
    const one = await start("one");
    await expect.poll(async () => (await statusOf(one)).tasks).toBe(2 * PARTITIONS);
    await produce();
    const two = await start("two", disk);
    await expect.poll(() => two.events.some(({ kind }) => kind === "standbyFailed")).toBe(true);
    await evenly([one, two]);
    await Promise.all([one.run.untilIdle(), two.run.untilIdle()]);
    await Promise.all([one.run.stop(), two.run.stop()]);
  });

  it("that wait for the log hold up no task but their own", async () => {
    const { harness, start } = await openCluster(1);
    const answer = Promise.withResolvers<void>();
    let asked = 0;
    const log = logWith(harness.log, {
      async listOffsets(partitions, ...rest) {
        if (partitions[0]?.topic === CHANGELOG && asked++ === 0) await answer.promise;
        return await harness.log.listOffsets(partitions, ...rest);
      },
    });
    const one = await start("one");
    await expect.poll(async () => (await statusOf(one)).tasks).toBe(2 * PARTITIONS);
    const two = await start("two", memoryDisk(), { log });
    await expect.poll(() => asked).toBeGreaterThan(0);
    await one.run.stop();
    await expect.poll(async () => (await statusOf(two)).tasks, { timeout: 20_000 }).toBe(2 * PARTITIONS - 1);
    answer.resolve();
    await expect.poll(async () => (await statusOf(two)).tasks).toBe(2 * PARTITIONS);
    await two.run.stop();
  });

  it("leave no reader behind that was being opened when they ended", async () => {
    const { harness, start } = await openCluster(1);
    const opened = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let isHeld = false;
    let open = 0;
    const log = logWith(harness.log, {
      async openReader(options) {
        if (isHeld) {
          asked.resolve();
          await opened.promise;
        }
        const reader = await harness.log.openReader(options);
        const close = reader.close.bind(reader);
        open++;
        reader.close = () => {
          open--;
          return close();
        };
        return reader;
      },
    });
    const one = await start("one");
    const two = await start("two", memoryDisk(), { log });
    isHeld = true;
    await asked.promise;
    const stopped = two.run.stop();
    // All that does not wait for the reader has ended.
    await systemClock.sleep(200);
    opened.resolve();
    await Promise.all([stopped, one.run.stop()]);
    await expect.poll(() => open).toBe(0);
  });
});

describe("a worker that joins", () => {
  it("gets no task whose changelog has run away while the copy was restored, until that has caught up", async () => {
    const { harness, start, produce } = await openCluster(0);
    const listed = new Map<number, number>();
    const log = logWith(harness.log, {
      async listOffsets(partitions, spec, isolation) {
        const offsets = await harness.log.listOffsets(partitions, spec, isolation);
        const { topic, partition } = partitions[0]!;
        if (topic !== CHANGELOG || spec !== "latest") return offsets;
        listed.set(partition, (listed.get(partition) ?? 0) + 1);
        return listed.get(partition) === 2 ? offsets.map((end) => ({ ...end, offset: end.offset + 20_000 })) : offsets;
      },
    });
    const one = await start("one");
    await produce();
    await one.run.untilIdle();
    const two = await start("two", memoryDisk(), { log });
    await expect.poll(() => [...listed.values()]).toEqual([2, 2]);
    for (let turn = 0; turn < 5; turn++) await two.run.untilIdle();
    expect(two.events.filter(({ kind }) => kind === "assigned")).toHaveLength(1);
    await produce();
    await evenly([one, two]);
    await Promise.all([one.run.stop(), two.run.stop()]);
  });

  it("gets what is warm, though another copy never is", async () => {
    const { start, produce } = await openCluster(0);
    const broken = memoryDisk();
    const open = broken.open.bind(broken);
    let failing: string | undefined;
    const disk = Object.assign(Object.create(broken) as MemoryDisk, {
      open(path: string) {
        failing ??= path;
        return path === failing ? Promise.reject(new Error("a bad block")) : open(path);
      },
    });
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const one = await start("one");
    await expect.poll(async () => (await statusOf(one)).tasks).toBe(2 * PARTITIONS);
    await produce();
    const two = await start("two", disk, { clock });
    await expect.poll(() => restoredOf(two, true).length).toBeGreaterThan(0);
    expect(restoredOf(two, false)).toEqual([]);
    aheadMs = 120_000;
    await expect.poll(() => restoredOf(two, false).length).toBe(PARTITIONS / 2 - 1);
    await Promise.all([one.run.untilIdle(), two.run.untilIdle()]);
    // The other way round it would have to run the task whose store it cannot open.
    await two.run.stop();
    await one.run.stop();
  });

  it("gets a task when its copy has caught up, and the task runs where it was until then", async () => {
    const { harness, start, produce } = await openCluster(0);
    const one = await start("one");
    await produce();
    await one.run.untilIdle();
    const two = await start("two");
    await evenly([one, two]);
    const moved = restoredOf(two, false);
    const warmed = restoredOf(two, true);
    expect(new Set(warmed.map(({ task }) => task))).toEqual(new Set(moved.map(({ task }) => task)));
    expect(warmed.reduce((sum, { entries }) => sum + entries, 0)).toBeGreaterThan(0);
    expect(moved.map(({ entries, reason }) => [entries, reason])).toEqual(moved.map(() => [0, "trusted"]));
    await produce();
    await Promise.all([one.run.untilIdle(), two.run.untilIdle()]);
    expect((await statusOf(two)).standbys).toBe(0);
    await Promise.all([one.run.stop(), two.run.stop()]);
    const counts = new Map((await harness.read(totals)).map(({ key, value }) => [key, value.count]));
    expect([...counts.values()]).toEqual(Array.from({ length: IDS }, () => 2));
  });

  it("gets back the tasks of which its disk has the state", async () => {
    const { start, produce } = await openCluster(0);
    const [one, two] = [await start("one"), await start("two")];
    await evenly([one, two]);
    await produce();
    await Promise.all([one.run.untilIdle(), two.run.untilIdle()]);
    const owned = async ({ events }: Place) =>
      events
        .filter((event) => event.kind === "assigned")
        .at(-1)!
        .tasks.filter((task) => task.startsWith("byId"));
    const before = await owned(two);
    await Promise.all([one.run.stop(), two.run.stop()]);
    const [first, second] = [await start("one", one.disk), await start("two", two.disk)];
    await evenly([first, second]);
    expect(await owned(second)).toEqual(before);
    for (const { reason } of [...restoredOf(first, true), ...restoredOf(second, true)]) expect(reason).toBe("trusted");
    await Promise.all([first.run.stop(), second.run.stop()]);
  });
});
