import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { serialize } from "node:v8";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { TaskMigratedError } from "../../errors/errors.ts";
import type { Clock } from "../../time/clock.ts";
import { systemClock } from "../../time/system-clock.ts";
import type { GroupMember } from "../port.ts";
import { openDataDirectory } from "./data-directory.ts";
import { encodeFrame, FRAME_BYTES_MAX } from "./frames.ts";
import { fromWireError, toWireError } from "./wire-errors.ts";

const where = { topic: "t", partition: 0 };
const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 0 } as const;
const record = (value: string | Buffer) => ({ key: null, value: Buffer.from(value), timestampMs: 0 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Real, but three seconds of patience pass in a blink. */
const hasty: Clock = {
  ...systemClock,
  now: () => systemClock.now() * 20,
  sleep: (ms) => systemClock.sleep(ms / 20),
};

async function openOwner(at = folder) {
  const owner = await openDataDirectory(at, { clock: systemClock, mode: "owner" });
  onTestFinished(() => owner.close());
  return owner;
}

async function openClient(at = folder, clock: Clock = systemClock) {
  const client = await openDataDirectory(at, { clock });
  onTestFinished(() => client.close());
  expect(client.role).toBe("client");
  return client;
}

const NOBODY = 65_534;

describe("a data directory", () => {
  it("belongs to the first process, for this user only, and serves the others", async () => {
    const nested = path.join(folder, "a", "data");
    const owner = await openOwner(nested);
    expect((await stat(nested)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(nested, "mulgil.sock"))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path.join(nested, "owner.json"), "utf8"))).toMatchObject({ pid: process.pid });
    const client = await openClient(nested);
    await client.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    await client.log.produce([{ ...where, records: [record("a")] }]);
    expect(owner.log.inspect.partition("t", 0).endOffset).toBe(1);
    const id = await client.registry.register("t-value", "string");
    expect(await owner.registry.schemaById(id)).toBe("string");
    expect(await client.registry.schemaById(id)).toBe("string");
    expect(await client.registry.latest("t-value")).toMatchObject({ id, version: 1 });
    expect(await client.registry.versions("t-value")).toHaveLength(1);
    expect(await client.registry.subjects()).toEqual(["t-value"]);
    expect(await client.registry.compatibilityOf("t-value")).toBe("BACKWARD");
    expect(await client.registry.compatibilityOf("u-value")).toBeUndefined();
    await expect(client.registry.schemaById(99)).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN_ID" });
  });

  it("tells others who is in a group", async () => {
    const owner = await openOwner();
    const client = await openClient();
    await client.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const listener = {
      userData: () => Buffer.from("here"),
      onRebalance: async () => undefined,
      onAssigned: async () => undefined,
      onLost: () => undefined,
    };
    const assignor = {
      name: "all",
      assign: ([first]: readonly GroupMember[]) =>
        new Map([[first!.memberId, { partitions: [where], userData: new Uint8Array() }]]),
    };
    const consumer = await owner.log.joinGroup({ groupId: "g", clientId: "c", topics: ["t"], assignor, listener });
    await consumer.poll(0);
    const { status, members } = await client.log.describeGroup("g");
    expect(status).toBe("settled");
    expect(members).toMatchObject([{ memberId: consumer.memberId, clientId: "c", host: "", assignment: [where] }]);
    expect(Buffer.from(members[0]!.userData).toString()).toBe("here");
  });

  it("keeps everything, and leaves no socket, when it is closed and opened again", async () => {
    const owner = await openDataDirectory(folder, { clock: systemClock, mode: "owner" });
    await owner.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    await owner.log.produce([{ ...where, records: [record("a")] }]);
    const id = await owner.registry.register("t-value", "string");
    await owner.close();
    await owner.close();
    expect((await readdir(folder)).sort()).toEqual(["log", "registry"]);
    const again = await openOwner();
    expect(await again.log.listOffsets([where], "latest", "read_committed")).toEqual([{ ...where, offset: 1 }]);
    expect(await again.registry.schemaById(id)).toBe("string");
  });

  it("refuses a second owner, and names the first", async () => {
    await openOwner();
    const second = openDataDirectory(folder, { clock: hasty, mode: "owner" });
    await expect(second).rejects.toMatchObject({ code: "DATA_DIR_LOCKED" });
    await expect(second).rejects.toThrow(new RegExp(`process ${process.pid}; stop it`));
  });

  it("takes over from an owner that goes away while it waits", async () => {
    const owner = await openDataDirectory(folder, { clock: systemClock, mode: "owner" });
    const second = openDataDirectory(folder, { clock: systemClock, mode: "owner" });
    await systemClock.sleep(100);
    await owner.close();
    await (await second).close();
  });

  it("is not opened as a client where nobody serves it", async () => {
    const client = openDataDirectory(folder, { clock: hasty, mode: "client" });
    await expect(client).rejects.toMatchObject({ code: "DATA_DIR_NOT_SERVED" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes what a killed owner has left", async () => {
    await writeFile(path.join(folder, "mulgil.sock"), "stale");
    await writeFile(path.join(folder, "owner.json"), '{"pid":1}');
    const owner = await openOwner();
    expect((await openClient()).role).toBe("client");
    expect(owner.role).toBe("owner");
  });

  it("listens elsewhere when its path is too long for a socket", async () => {
    const long = path.join(folder, "x".repeat(90), "data");
    const owner = await openDataDirectory(long, { clock: systemClock, mode: "owner" });
    const socket = await readFile(path.join(long, "socket"), "utf8");
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(100);
    expect((await stat(path.dirname(socket))).mode & 0o777).toBe(0o700);
    const client = await openClient(long);
    expect(await client.log.describeTopics()).toEqual([]);
    await owner.close();
    await expect(stat(socket)).rejects.toMatchObject({ code: "ENOENT" });
    expect((await readdir(long)).sort()).toEqual(["log", "registry"]);
  });

  it("says what to do when it cannot be used", async () => {
    const file = path.join(folder, "file");
    await writeFile(file, "");
    const opened = openDataDirectory(file, { clock: hasty });
    await expect(opened).rejects.toMatchObject({ code: "DATA_DIR_UNUSABLE", context: { file } });
    await expect(opened).rejects.toThrow(/a file is in the way: use another directory/);
    const broken = path.join(folder, "broken");
    await mkdir(path.join(broken, "log"), { recursive: true });
    await writeFile(path.join(broken, "log", "CURRENT"), "nonsense");
    await expect(openDataDirectory(broken, { clock: hasty })).rejects.toMatchObject({ code: "DATA_DIR_UNUSABLE" });
  });

  it("says what to do when it may not be written", async () => {
    await chmod(folder, 0o500);
    // Root may write everywhere: be somebody else for the moment.
    const isRoot = process.geteuid!() === 0;
    if (isRoot) process.seteuid!(NOBODY);
    try {
      const opened = openDataDirectory(path.join(folder, "data"), { clock: hasty });
      await expect(opened).rejects.toThrow(/give this user the right/);
    } finally {
      if (isRoot) process.seteuid!(0);
      await chmod(folder, 0o700);
    }
  });
});

describe("the socket of a data directory", () => {
  it("carries codes, contexts and classes of errors", async () => {
    await openOwner();
    const client = await openClient();
    await client.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const produced = client.log.produce([{ topic: "tt", partition: 0, records: [record("a")] }]);
    await expect(produced).rejects.toMatchObject({ code: "LOG_UNKNOWN_TOPIC", context: { topic: "tt" } });
    await expect(produced).rejects.toThrow('similar: "t"');
    const migrated = fromWireError(toWireError(new TaskMigratedError("gone", { code: "LOG_FENCED" })));
    expect(migrated).toBeInstanceOf(TaskMigratedError);
    expect(fromWireError(toWireError(new TypeError("wrong")))).toBeInstanceOf(TypeError);
  });

  it("fails pending and later calls with LOG_CONNECTION_LOST when the owner goes away", async () => {
    const owner = await openOwner();
    const client = await openClient();
    await client.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const reader = await client.log.openReader({ isolation: "read_committed" });
    reader.assign([{ ...where, offset: 0 }]);
    const polled = reader.poll(60_000);
    const lost = expect(polled).rejects.toMatchObject({ code: "LOG_CONNECTION_LOST" });
    await systemClock.sleep(20);
    await owner.close();
    await lost;
    await expect(client.log.describeTopics()).rejects.toMatchObject({ code: "LOG_CONNECTION_LOST" });
    await expect(reader.poll(0)).rejects.toThrow(/run the command again/);
  });

  it("closes the readers of a client that goes away", async () => {
    const owner = await openOwner();
    await owner.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const opened: string[] = [];
    const openReader = owner.log.openReader.bind(owner.log);
    owner.log.openReader = async (options) => {
      const reader = await openReader(options);
      const close = reader.close.bind(reader);
      opened.push("open");
      reader.close = async () => {
        opened.push("close");
        await close();
      };
      return reader;
    };
    const client = await openDataDirectory(folder, { clock: systemClock, mode: "client" });
    const reader = await client.log.openReader({ isolation: "read_committed" });
    reader.assign([{ ...where, offset: 0 }]);
    const polled = reader.poll(60_000).catch((error: unknown) => error);
    await client.close();
    expect(await polled).toMatchObject({ code: "LOG_CLOSED" });
    await expect.poll(() => opened).toEqual(["open", "close"]);
  });

  it("is not disturbed by garbage, half frames and lies", async () => {
    const owner = await openOwner();
    const client = await openClient();
    const tooLong = Buffer.alloc(8);
    tooLong.writeUInt32BE(FRAME_BYTES_MAX + 1, 0);
    const wrongChecksum = encodeFrame({ id: 1, method: "describeTopics", args: [] });
    wrongChecksum[4]! ^= 1;
    const body = Buffer.from("not serialised at all");
    const attacks = [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      tooLong,
      wrongChecksum,
      encodeFrame(null),
      encodeFrame("text"),
      encodeFrame({ id: "1", method: "produce", args: "x" }),
      encodeFrame({ id: 1, method: "constructor", args: [] }),
      encodeFrame({ id: 1, method: "produce", args: [17] }),
      encodeFrame({ id: 1, method: "readerPoll", args: [99, 0] }),
      encodeFrame({ id: 1, method: "describeTopics", args: [] }).subarray(0, 12),
      serialize(body),
    ];
    const answered: number[] = [];
    for (const attack of attacks) {
      await new Promise<void>((resolve) => {
        const socket = connect(path.join(folder, "mulgil.sock"), () => socket.end(attack));
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.on("data", () => answered.push(attacks.indexOf(attack)));
      });
      expect(await client.log.describeTopics()).toEqual([]);
    }
    expect(await owner.log.describeTopics()).toEqual([]);
    expect(answered, "well-formed but wrong calls get an error").toEqual([6, 7, 8]);
  });

  it("carries many large calls at once within its bounds", async () => {
    await openOwner();
    const client = await openClient();
    await client.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const large = record(Buffer.alloc(7 * 1024 * 1024, 1));
    const offsets = await Promise.all(
      Array.from({ length: 6 }, () => client.log.produce([{ ...where, records: [large] }])),
    );
    expect(offsets.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 6 }, (_, i) => i));
    const reader = await client.log.openReader({ isolation: "read_committed" });
    reader.assign([{ ...where, offset: 0 }]);
    let bytes = 0;
    for (let count = 0; count < 6; ) {
      for (const { records } of await reader.poll(1000)) {
        count += records.length;
        for (const { value } of records) bytes += value?.length ?? 0;
      }
    }
    expect(bytes).toBe(6 * 7 * 1024 * 1024);
  });

  it("refuses a call that is too large, and goes on", async () => {
    await openOwner();
    const client = await openClient();
    await client.log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const huge = record(Buffer.alloc(FRAME_BYTES_MAX));
    const produced = client.log.produce([{ ...where, records: [huge] }]);
    await expect(produced).rejects.toMatchObject({ code: "LOG_FRAME_TOO_LARGE" });
    expect(await client.log.describeTopics()).toHaveLength(1);
  });
});
