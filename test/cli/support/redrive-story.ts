import { expect } from "vitest";
import { ids, type OrdersProject } from "./orders-project.ts";

const COMMAS = 12_000;
const DAYS = 8_000;
const PLAIN = 3_000;
const ALL = COMMAS + DAYS + PLAIN;
const patience = { timeout: 120_000, interval: 500 };
const confirmed = ["--transform", "mend.ts", "--yes", "--why", "files of the new branch"] as const;

interface Group {
  readonly code: string;
  readonly count: number;
  readonly open: number;
  readonly redriven: number;
}

/** 23,000 dead letters of three kinds are found, looked at, mended and redriven while the job runs; one redrive is killed half-way. Each is processed once. */
export async function expectRedriveStory(project: OrdersProject): Promise<void> {
  const orders = { commas: ids("c", COMMAS), days: ids("d", DAYS), plain: ids("p", PLAIN), good: ids("g", 10) };
  await project.write(orders);
  const job = project.start("run", "job.ts");
  await job.until(({ stdout }) => stdout.includes('"message":"running"'));
  await expect
    .poll(() => counts(project), patience)
    .toEqual({
      AMOUNT: [COMMAS, 0],
      DAY: [DAYS, 0],
      VALUE_NOT_FRAMED: [PLAIN, 0],
    });
  expect(await project.dlq("show", "bookings", "--code", "DAY", "--limit", "1")).toContain('"day":"24.12.2025"');

  const commas = ["redrive", "bookings", "--code", "AMOUNT", ...confirmed];
  const killed = project.start("dlq", ...commas, "--rate", "1000/s");
  await expect.poll(async () => (await counts(project))["AMOUNT"]![1], patience).toBeGreaterThan(0);
  killed.process.kill("SIGKILL");
  await killed.ended;
  const [left, redriven] = (await counts(project))["AMOUNT"]!;
  expect(left).toBeGreaterThan(0);
  expect(left + redriven).toBe(COMMAS);

  const again = await project.dlq(...commas, "--rate", "20000/s");
  expect(again).toContain(`${left.toLocaleString("en-US")} dead letters redriven`);
  await project.dlq("redrive", "bookings", ...confirmed, "--rate", "20000/s");
  expect(await counts(project)).toEqual({ AMOUNT: [0, COMMAS], DAY: [0, DAYS], VALUE_NOT_FRAMED: [0, PLAIN] });
  const expected = Object.values(orders).flat().sort();
  await expect.poll(async () => (await project.booked()).length, patience).toBeGreaterThanOrEqual(expected.length);

  expect(await project.dlq("redrive", "bookings", ...confirmed)).toBe("nothing to redrive\n");
  job.process.kill("SIGTERM");
  expect(await job.ended).toMatchObject({ code: 0 });
  await project.run();
  expect([...(await project.booked())].sort()).toEqual(expected);
  expect((await project.groups<Group>()).reduce((sum, { count }) => sum + count, 0)).toBe(ALL);
}

/** Open and redriven, by code. */
const counts = async (project: OrdersProject): Promise<Readonly<Record<string, readonly [number, number]>>> =>
  Object.fromEntries(
    (await project.groups<Group>()).map(({ code, open, redriven }) => [code, [open, redriven] as const]),
  );
