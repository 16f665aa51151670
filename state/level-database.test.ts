import { MemoryLevel } from "memory-level";
import { expect, it } from "vitest";
import { LevelDatabase, openLevelDatabase } from "./level-database.ts";

const key = Buffer.from("a");
const options = { keyEncoding: "buffer", valueEncoding: "buffer" };

/** Fails as LevelDB does on a full disk. */
class FullLevel extends MemoryLevel<Buffer, Buffer> {
  opens = 0;
  isFull = false;

  override open(): Promise<void> {
    this.opens++;
    return super.open();
  }

  async _batch(operations: unknown, batchOptions: unknown): Promise<void> {
    if (this.isFull)
      throw Object.assign(new Error("IO error: 3.log: No space left on device"), { code: "LEVEL_IO_ERROR" });
    const { _batch } = MemoryLevel.prototype as unknown as {
      _batch(operations: unknown, options: unknown): Promise<void>;
    };
    return _batch.call(this, operations, batchOptions);
  }
}

it("opens again before it writes after a failed write, so that nothing is written behind half a record", async () => {
  const level = new FullLevel(options);
  const database = await openLevelDatabase(level, "store");
  level.isFull = true;
  const write = () => database.write([{ key, value: Buffer.from("1") }]);
  await expect(write()).rejects.toMatchObject({
    code: "STATE_DISK_FULL",
    message: expect.stringContaining("free some space"),
  });
  level.isFull = false;
  const before = level.opens;
  await write();
  expect(level.opens).toBe(before + 1);
  await write();
  expect(level.opens).toBe(before + 1);
  expect(database.getSync(key)?.toString()).toBe("1");
  await database.close();
});

it("does not open again what was closed", async () => {
  const level = new FullLevel(options);
  await level.open();
  const database = new LevelDatabase(level, "store");
  level.isFull = true;
  const write = () => database.write([{ key, value: Buffer.from("1") }]);
  await expect(write()).rejects.toMatchObject({ code: "STATE_DISK_FULL" });
  await database.close();
  await expect(write()).rejects.toMatchObject({ code: "STATE_WRITE_FAILED" });
  expect(level.status).toBe("closed");
  expect(() => database.getSync(key)).toThrow(expect.objectContaining({ code: "STATE_READ_FAILED" }));
});
