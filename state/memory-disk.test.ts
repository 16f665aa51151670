import { expect, it } from "vitest";
import type { Database } from "./disk.ts";
import { memoryDisk } from "./memory-disk.ts";

const key = Buffer.from("a");
const write = (database: Database, value: string) => database.write([{ key, value: Buffer.from(value) }]);
const read = (database: Database) => database.getSync(key)?.toString();

it("gives what a dead process held to the next one, with its contents", async () => {
  const disk = memoryDisk();
  const dead = await disk.open("worker/job/0/store");
  await write(dead, "1");
  disk.abandon("worker/job");
  const next = await disk.open("worker/job/0/store");
  expect(read(next)).toBe("1");
});

it("abandons nothing beside the prefix", async () => {
  const disk = memoryDisk();
  const other = await disk.open("worker-2/store");
  disk.abandon("worker");
  await write(other, "1");
  expect(read(other)).toBe("1");
});

it("lets a dead process do nothing more", async () => {
  const disk = memoryDisk();
  const dead = await disk.open("store");
  await write(dead, "1");
  disk.abandon("store");
  expect(() => dead.getSync(key)).toThrow(expect.objectContaining({ code: "STATE_ABANDONED" }));
  await expect(write(dead, "3")).rejects.toMatchObject({ code: "STATE_ABANDONED" });
  await dead.close();
  const next = await disk.open("store");
  expect(read(next)).toBe("1");
  await expect(disk.open("store")).rejects.toMatchObject({ code: "STATE_LOCKED" });
});

it("loses a torn write and what follows it when the process dies", async () => {
  const disk = memoryDisk();
  const database = await disk.open("store");
  await write(database, "1");
  disk.tearNextWrite("store");
  await write(database, "2");
  expect(read(database)).toBe("2");
  await write(database, "3");
  disk.abandon("store");
  const next = await disk.open("store");
  expect(read(next)).toBe("1");
  await write(next, "4");
  disk.abandon("store");
  expect(read(await disk.open("store"))).toBe("4");
});

it("opens again what a process was closing or opening when it died", async () => {
  const disk = memoryDisk();
  const database = await disk.open("store");
  await write(database, "1");
  void database.close();
  disk.abandon("store");
  const second = await disk.open("store");
  expect(read(second)).toBe("1");
  disk.tearNextWrite("store");
  await write(second, "2");
  disk.abandon("store");
  const opening = disk.open("store");
  disk.abandon("store");
  await expect(opening).rejects.toMatchObject({ code: "STATE_ABANDONED" });
  expect(read(await disk.open("store"))).toBe("1");
});

it("fails one write, which does nothing", async () => {
  const disk = memoryDisk();
  const database = await disk.open("store");
  disk.failNextWrite("store", new Error("full"));
  await expect(write(database, "1")).rejects.toThrow("full");
  expect(read(database)).toBeUndefined();
  await write(database, "2");
  expect(read(database)).toBe("2");
});

it("owns its bytes", async () => {
  const disk = memoryDisk();
  const database = await disk.open("store");
  const value = Buffer.from("1");
  await database.write([{ key, value }]);
  value.fill("x");
  database.getSync(key)!.fill("y");
  for await (const entry of database.iterate({})) entry[1].fill("z");
  expect(read(database)).toBe("1");
});
