import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withLevelDisk } from "../bench/state-fixtures.ts";
import type { Database, StateDisk } from "./disk.ts";
import { formatKey, type KeyRange } from "./key-layout.ts";
import { memoryDisk } from "./memory-disk.ts";

const bytes = (text: string) => Buffer.from(text);
const put = (key: string, value: string) => ({ key: bytes(key), value: bytes(value) });
const remove = (key: string) => ({ key: bytes(key), value: null });
const all: KeyRange = { gte: bytes("a") };

async function read(database: Database, range = all): Promise<string[]> {
  const found = [];
  for await (const [key, value] of database.iterate(range)) found.push(`${key}=${value}`);
  return found;
}

interface Subject {
  readonly name: string;
  with(run: (disk: StateDisk, spoil: (path: string) => Promise<void>) => Promise<void>): Promise<void>;
}

const subjects: Subject[] = [
  {
    name: "LevelDB",
    with: (run) =>
      withLevelDisk((disk, root) =>
        run(disk, async (path) => {
          const directory = join(root, path);
          const manifest = (await readdir(directory)).find((file) => file.startsWith("MANIFEST"))!;
          await writeFile(join(directory, manifest), "this is no manifest");
        }),
      ),
  },
  {
    name: "memory",
    with: (run) => {
      const disk = memoryDisk();
      return run(disk, async (path) => disk.corrupt(path));
    },
  },
];

describe.each(subjects)("a disk of $name", (subject) => {
  it("keeps what was written when it is opened again", () =>
    subject.with(async (disk) => {
      const first = await disk.open("job/0/store");
      await first.write([put("a", "1"), put("b", "2"), put("c", "3")], [remove("b"), put("c", "4")]);
      await first.close();
      const second = await disk.open("job/0/store");
      expect(await read(second)).toEqual(["a=1", "c=4"]);
      expect(second.getSync(bytes("c"))?.toString()).toBe("4");
      expect(second.getSync(bytes("b"))).toBeUndefined();
      await second.close();
    }));

  it("reads and clears ranges, from either end, up to a number", () =>
    subject.with(async (disk) => {
      const database = await disk.open("store");
      await database.write(["a", "b", "c", "d", "e"].map((key) => put(key, "")));
      expect(await read(database, { gt: bytes("a"), lt: bytes("e") })).toEqual(["b=", "c=", "d="]);
      expect(await read(database, { ...all, reverse: true, entriesMax: 2 })).toEqual(["e=", "d="]);
      await database.clear({ gte: bytes("b"), lt: bytes("d") });
      expect(await read(database)).toEqual(["a=", "d=", "e="]);
      await database.close();
    }));

  it("iterates over what there was when it was asked", () =>
    subject.with(async (disk) => {
      const database = await disk.open("store");
      await database.write([put("a", "1")]);
      const entries = database.iterate(all);
      await database.write([put("a", "2"), put("b", "2")]);
      const found = [];
      for await (const [key, value] of entries) found.push(`${key}=${value}`);
      expect(found).toEqual(["a=1"]);
      await database.close();
    }));

  it("writes and reads many entries at once", () =>
    subject.with(async (disk) => {
      const database = await disk.open("store");
      const entries = Array.from({ length: 25_000 }, (_, at) => put(`k${String(at).padStart(5, "0")}`, String(at)));
      await database.write(entries);
      const found = await read(database);
      expect(found.length).toBe(25_000);
      expect(found[24_999]).toBe("k24999=24999");
      await database.close();
    }));

  it("refuses a second owner", () =>
    subject.with(async (disk) => {
      const database = await disk.open("job/0/store");
      await expect(disk.open("job/0/store")).rejects.toMatchObject({
        code: "STATE_LOCKED",
        message: expect.stringMatching(/job\/0\/store" is held by another process: stop the other worker/),
      });
      await database.close();
      await (await disk.open("job/0/store")).close();
    }));

  it("tells a damaged database from others, which then moves aside and is begun again", () =>
    subject.with(async (disk, spoil) => {
      const database = await disk.open("job/0/store");
      await database.write([put("a", "1")]);
      await database.close();
      await spoil("job/0/store");
      await expect(disk.open("job/0/store")).rejects.toMatchObject({ code: "STATE_CORRUPTED" });
      expect(await disk.quarantine("job/0/store", "the test broke it")).toBe("job/0/store.quarantine-1");
      const again = await disk.open("job/0/store");
      expect(await read(again)).toEqual([]);
      await again.close();
    }));

  it("keeps the three latest quarantined databases", () =>
    subject.with(async (disk) => {
      for (let round = 0; round < 5; round++) {
        await (await disk.open("job/0/store")).close();
        await disk.quarantine("job/0/store", "again");
      }
      await (await disk.open("top")).close();
      expect(await disk.quarantine("top", "again")).toBe("top.quarantine-1");
      const names = ["store.quarantine-3", "store.quarantine-4", "store.quarantine-5"];
      expect(await disk.list("job/0")).toEqual(names);
    }));

  it("refuses a layout of another version, and entries of nobody knows whom", () =>
    subject.with(async (disk) => {
      const database = await disk.open("store");
      await database.write([{ key: formatKey, value: bytes("99") }]);
      await database.close();
      await expect(disk.open("store")).rejects.toMatchObject({
        code: "STATE_CORRUPTED",
        message: expect.stringMatching(
          /layout is version 99, this Mulgil writes version 1; move it away and rebuild it/,
        ),
      });
      await disk.remove("store");
      const other = await disk.open("store");
      await other.write([{ key: formatKey, value: null }, put("a", "1")]);
      await other.close();
      await expect(disk.open("store")).rejects.toMatchObject({ code: "STATE_CORRUPTED" });
    }));

  it("lists and removes", () =>
    subject.with(async (disk) => {
      for (const path of ["job/1/b", "job/1/a", "job/0/a"]) await (await disk.open(path)).close();
      expect(await disk.list("job")).toEqual(["0", "1"]);
      expect(await disk.list("job/1")).toEqual(["a", "b"]);
      await disk.remove("job/1");
      expect(await disk.list("job")).toEqual(["0"]);
      expect(await disk.list("nowhere")).toEqual([]);
    }));

  it.each(["", "/etc", "a/../b", "..", "a//b", "a/./b"])("refuses the path %j", (path) =>
    subject.with(async (disk) => {
      await expect(disk.open(path)).rejects.toThrow(TypeError);
    }),
  );
});

it("a LevelDB disk makes directories for their owner only", () =>
  withLevelDisk(async (disk, root) => {
    await (await disk.open("job/0/store")).close();
    for (const path of ["job", "job/0", "job/0/store"]) {
      expect((await stat(join(root, path))).mode & 0o777).toBe(0o700);
    }
  }));

describe("a LevelDB is set aside rather than read with a part missing, when", () => {
  const middleSpoiled = (content: Buffer) => content.fill(0xff, content.length >> 1, (content.length >> 1) + 4);
  const withoutEnd = (content: Buffer) => content.subarray(0, content.length >> 1);

  it.each([
    ["its log of writes is damaged", ".log", middleSpoiled, "checksum mismatch"],
    ["a table has lost its end", ".ldb", withoutEnd, "Invalid argument"],
    ["a table is garbage", ".ldb", (content: Buffer) => content.fill(0x5a), "not an sstable"],
    ["a table is missing", ".ldb", undefined, "missing files"],
    ["CURRENT is missing", "CURRENT", undefined, "CURRENT is missing"],
    ["CURRENT is garbage", "CURRENT", middleSpoiled, "No such file"],
  ])("%s", (_, file, spoiled, why) =>
    withLevelDisk(async (disk, root) => {
      // Opening moves what there is from the log of writes to a table.
      for (const half of [0, 1]) {
        const database = await disk.open("store");
        for (let at = 0; at < 1_000; at++)
          await database.write([put(`a${half}-${at}`, "x".repeat(60)), put("checkpoint", `${at}`)]);
        await database.close();
      }
      const directory = join(root, "store");
      const hit = join(directory, (await readdir(directory)).find((name) => name.endsWith(file))!);
      if (spoiled === undefined) await rm(hit);
      else await writeFile(hit, spoiled(await readFile(hit)));
      await expect(disk.open("store").then(read)).rejects.toMatchObject({
        code: "STATE_CORRUPTED",
        message: expect.stringContaining(why),
      });
    }),
  );
});
