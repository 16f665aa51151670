import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { mulgil, objectsIn, startMulgil, temporaryFolder } from "./support/mulgil.ts";

interface PrintedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: string;
  readonly key: unknown;
  readonly value: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

const ORDERS = JSON.stringify({
  type: "record",
  name: "Order",
  namespace: "shop",
  topic: "shop.orders",
  key: "orderId",
  eventTime: "at",
  partitions: 2,
  fields: [
    { name: "orderId", type: "long" },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "total", type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 } },
    { name: "note", type: ["null", "string"], default: null },
  ],
});

/** A project with a schema, to run commands in. */
function project(files: Readonly<Record<string, string | Buffer>> = {}) {
  const cwd = temporaryFolder({ "orders.avsc": ORDERS, ...files });
  const run = (...args: readonly string[]) => mulgil(args, { cwd, env: { MULGIL_DATA_DIR: "data" } });
  const read = async (...args: readonly string[]) =>
    objectsIn<PrintedRecord>((await run("read", "shop.orders", ...args)).stdout);
  return {
    cwd,
    run,
    read,
    write: (file: string, ...args: readonly string[]) =>
      run("write", "shop.orders", "--file", file, "--schemas", ".", ...args),
  };
}

const order = (orderId: number, total = "1.00") => JSON.stringify({ orderId, at: "1993-04-05T10:00:00Z", total });

describe("mulgil write and read", () => {
  it("writes NDJSON under its key and event time, and reads back records with exact decimals", async () => {
    const { write, read } = project({ "orders.ndjson": `${order(7, "12.3")}\n\n${order(8, "0")}\n` });
    const written = await write("orders.ndjson");
    expect(written).toMatchObject({ code: 0, stderr: "", stdout: "2 records written to shop.orders (2 partitions)\n" });
    const records = await read("--schemas", ".");
    expect(records.map(({ offset, partition, ...rest }) => rest).sort((a, b) => Number(a.key) - Number(b.key))).toEqual(
      [
        {
          topic: "shop.orders",
          timestamp: "1993-04-05T10:00:00.000Z",
          key: 7,
          value: { orderId: 7, at: 734004000000, total: "12.30", note: null },
          headers: {},
        },
        {
          topic: "shop.orders",
          timestamp: "1993-04-05T10:00:00.000Z",
          key: 8,
          value: { orderId: 8, at: 734004000000, total: "0.00", note: null },
          headers: {},
        },
      ],
    );
    expect(Object.keys(records[0]!)).toEqual(["topic", "partition", "offset", "timestamp", "key", "value", "headers"]);
  });

  it("recognises gzip and the format by the content, from stdin too", async () => {
    const { cwd, read } = project();
    const csv = 'orderId,at,total,note\n1,1993-04-05T10:00:00Z,5,"a, b"\n';
    const written = await mulgil(["write", "shop.orders", "-f", "-", "-d", "data", "--schemas", "."], {
      cwd,
      stdin: gzipSync(csv),
    });
    expect(written).toMatchObject({ code: 0, stderr: "" });
    expect(await read()).toMatchObject([{ key: 1, value: { total: "5.00", note: "a, b" } }]);
  });

  it("reports unreadable rows with the line where they begin, keeps them in a file, and writes the rest", async () => {
    const csv = [
      "orderId,at,total,note",
      "1,1993-04-05T10:00:00Z,1,ok",
      '2,1993-04-05T10:00:00Z,1,"two',
      'lines"',
      "3,yesterday,1,",
      "4,1993-04-05T10:00:00Z",
      '5,1993-04-05T10:00:00Z,1,"never closed',
      "6,1993-04-05T10:00:00Z,1,last",
    ];
    const { cwd, write, read } = project({ "orders.csv": `${csv.join("\r\n")}\r\n` });
    const { code, stdout, stderr } = await write("orders.csv");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "3 records written to shop.orders (2 partitions)\n" });
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^line 5: .*at: expected .*time/),
      "line 6: the row has 2 fields and the header 4",
      "line 7: a quote is opened and never closed",
      "3 rows of orders.csv were rejected; they are in orders.csv.rejects.ndjson",
      "",
    ]);
    const rejects = objectsIn(readFileSync(path.join(cwd, "orders.csv.rejects.ndjson"), "utf8"));
    expect(rejects.map(({ line, raw }) => [line, raw])).toEqual([
      [5, "3,yesterday,1,"],
      [6, "4,1993-04-05T10:00:00Z"],
      [7, '5,1993-04-05T10:00:00Z,1,"never closed'],
    ]);
    expect((await read()).map(({ key }) => key).sort()).toEqual([1, 2, 6]);
    expect((await read()).find(({ key }) => key === 2)?.value).toMatchObject({ note: "two\r\nlines" });
  });

  it("shows the first twenty rejected rows and counts the others", async () => {
    const { write } = project({ "orders.ndjson": `${"{bad\n".repeat(25)}${order(1)}\n` });
    const { code, stdout, stderr } = await write("orders.ndjson", "-o", "json");
    expect(code).toBe(0);
    expect(stderr.split("\n").filter((line) => line.startsWith("line "))).toHaveLength(20);
    expect(stderr).toContain("25 rows of orders.ndjson were rejected");
    expect(JSON.parse(stdout)).toEqual({
      topic: "shop.orders",
      written: 1,
      rejected: 25,
      rejects: "orders.ndjson.rejects.ndjson",
      partitions: 2,
      unknownFields: [],
    });
  });

  it("leaves out fields that the schema does not have and says so; with --strict it refuses them and fails", async () => {
    const row = `${JSON.stringify({ orderId: 1, at: 0, total: 1, colour: "red" })}\n`;
    const { write } = project({ "orders.ndjson": row });
    expect(await write("orders.ndjson")).toMatchObject({
      code: 0,
      stderr: "left out, because the schema does not have them: colour\n",
    });
    const strict = await write("orders.ndjson", "--strict");
    expect(strict.code).toBe(1);
    expect(strict.stderr).toContain("colour: the schema has no such field");
    expect(strict.stderr).toContain("[ROWS_REJECTED]");
  });

  it("writes what read prints with --envelope: keys, times, headers, tombstones", async () => {
    const { cwd, run, write, read } = project({ "orders.ndjson": `${order(7)}\n` });
    const rows = [
      { key: 7, value: JSON.parse(order(7)), timestamp: "2001-01-01T00:00:00.000Z", headers: { source: "test" } },
      { key: 7, value: null },
    ];
    const written = await mulgil(["write", "shop.orders", "-f", "-", "-d", "data", "--schemas", ".", "--envelope"], {
      cwd,
      stdin: rows.map((row) => JSON.stringify(row)).join("\n"),
    });
    expect(written).toMatchObject({ code: 0, stderr: "" });
    const records = await read();
    expect(records).toMatchObject([
      { key: 7, timestamp: "2001-01-01T00:00:00.000Z", headers: { source: "test" } },
      { key: 7, value: null },
    ]);
    const again = await mulgil(["write", "copies", "-f", "-", "-d", "data", "--schema", "orders.avsc", "--envelope"], {
      cwd,
      stdin: records.map((record) => JSON.stringify(record)).join("\n"),
    });
    expect(again).toMatchObject({ code: 0, stderr: "" });
    const copies = objectsIn<PrintedRecord>((await run("read", "copies")).stdout);
    expect(copies.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(
      records.map(({ key, value, headers }) => ({ key, value, headers })),
    );
    expect((await write("orders.ndjson")).code).toBe(0);
  });

  it("begins where --from says and ends at --limit", async () => {
    const { write, read } = project({ "orders.ndjson": Array.from({ length: 9 }, () => order(7)).join("\n") });
    await write("orders.ndjson");
    const offsets = async (...args: readonly string[]) => (await read(...args)).map(({ offset }) => offset);
    expect(await offsets("--from", "offset:7")).toEqual([7, 8]);
    expect(await offsets("--limit", "2")).toEqual([0, 1]);
    expect(await offsets("--from", "latest")).toEqual([]);
    expect(await offsets("--from", "1993-04-05T09:59:59Z", "-n", "1")).toEqual([0]);
    expect(await offsets("--from", "10m")).toEqual([]);
  });

  it("prints a table", async () => {
    const { write, run } = project({ "orders.ndjson": `${order(7)}\n` });
    await write("orders.ndjson");
    const { stdout } = await run("read", "shop.orders", "-o", "table");
    const [head, line] = stdout.split("\n");
    expect(head).toMatch(/^PARTITION +OFFSET +TIMESTAMP +KEY +VALUE$/);
    expect(line).toMatch(/^ +\d +0 +1993-04-05T10:00:00.000Z +7 +\{"orderId":7,/);
  });

  it("shows a record that cannot be decoded as bytes with the reason, and goes on", async () => {
    const { cwd, write, read } = project({ "orders.ndjson": `${order(7)}\n` });
    await write("orders.ndjson");
    const { log, close } = await openDataDirectory(path.join(cwd, "data"), { clock: systemClock });
    const key = Buffer.from([1, 2, 3]);
    await log.produce(
      [0, 1].map((partition) => ({
        topic: "shop.orders",
        partition,
        records: [{ key, value: Buffer.from("no frame"), timestampMs: 0 }],
      })),
    );
    await close();
    const records = await read();
    expect(records).toHaveLength(3);
    expect(records.filter(({ value }) => "$error" in value)).toMatchObject([
      {
        key: { $bytes: "AQID", $error: expect.stringContaining("8") },
        value: { $bytes: Buffer.from("no frame").toString("base64"), $error: expect.any(String) },
      },
      { value: { $bytes: expect.any(String) } },
    ]);
  });

  it("follows a topic beside a writer, and ends on SIGINT", async () => {
    const { cwd, write } = project({ "orders.ndjson": `${order(7)}\n`, "more.ndjson": `${order(8)}\n` });
    await write("orders.ndjson");
    const reading = startMulgil(["read", "shop.orders", "-d", "data", "--schemas", ".", "--follow"], { cwd });
    await reading.until(({ stdout }) => stdout.includes('"key":7'));
    expect((await write("more.ndjson")).code).toBe(0);
    await reading.until(({ stdout }) => stdout.includes('"key":8'));
    reading.process.kill("SIGINT");
    const { code, stdout, stderr } = await reading.ended;
    expect({ code, stderr, keys: objectsIn<PrintedRecord>(stdout).map(({ key }) => key) }).toEqual({
      code: 0,
      stderr: "",
      keys: [7, 8],
    });
  });

  it("ends quietly when the reader of a pipe has enough", async () => {
    const { cwd, write } = project({ "orders.ndjson": Array.from({ length: 20_000 }, () => order(7)).join("\n") });
    await write("orders.ndjson");
    const reading = startMulgil(["read", "shop.orders", "-d", "data"], { cwd });
    await reading.until(({ stdout }) => stdout !== "");
    reading.process.stdout.destroy();
    expect(await reading.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("lists the topics", async () => {
    const { write, run } = project({ "orders.ndjson": `${order(7)}\n` });
    await write("orders.ndjson");
    expect((await run("topics")).stdout).toBe(
      "TOPIC        PARTITIONS  RECORDS  CLEANUP  RETENTION\nshop.orders           2        1  delete   kept\n",
    );
    expect(JSON.parse((await run("topics", "-o", "json")).stdout)).toEqual([
      { topic: "shop.orders", partitions: 2, records: 1, cleanup: "delete", retentionMs: -1 },
    ]);
  });
});

describe("what cannot be done", () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = mkdtempSync(path.join(tmpdir(), "mulgil-test-"));
    for (const [name, content] of Object.entries({ "orders.avsc": ORDERS, "orders.ndjson": order(7) }))
      writeFileSync(path.join(cwd, name), content);
    await mulgil(["write", "shop.orders", "-f", "orders.ndjson", "-d", "data", "--schemas", "."], { cwd });
  });
  afterAll(() => rmSync(cwd, { recursive: true }));

  it.each<[string, readonly string[], number, RegExp]>([
    [
      "a missing file",
      ["write", "shop.orders", "-f", "nope.csv"],
      1,
      /^mulgil: the file nope\.csv does not exist: .* \[FILE_MISSING\]\n$/,
    ],
    ["a folder", ["write", "shop.orders", "-f", "."], 1, /\[FILE_UNREADABLE\]/],
    [
      "a missing schema file",
      ["write", "x", "-f", "orders.ndjson", "--schema", "nope.avsc"],
      1,
      /nope\.avsc does not exist.*\[FILE_MISSING\]/,
    ],
    [
      "a topic without a schema",
      ["write", "x", "-f", "orders.ndjson", "--schemas", "."],
      1,
      /no schema is known for topic "x": .*\(there are shop\.orders\) \[TOPIC_SCHEMA_MISSING\]/,
    ],
    [
      "an unknown topic",
      ["read", "nope"],
      1,
      /^mulgil: topic "nope" does not exist: there are shop\.orders \[TOPIC_UNKNOWN\]\n$/,
    ],
    [
      "an unknown partition",
      ["read", "shop.orders", "-p", "9"],
      1,
      /partitions 0 to 1, and no 9 \[PARTITION_UNKNOWN\]/,
    ],
    ["no data", ["read", "shop.orders", "-d", "nowhere"], 1, /there is no data in nowhere: .*\[DATA_DIR_MISSING\]/],
    ["no data to list", ["topics", "-d", "nowhere"], 1, /\[DATA_DIR_MISSING\]/],
    ["a data directory that is a file", ["read", "shop.orders", "-d", "orders.ndjson"], 1, /\[DATA_DIR_UNUSABLE\]/],
    ["a start that is none", ["read", "shop.orders", "--from", "soon"], 2, /Write earliest, latest/],
    ["a limit that is none", ["read", "shop.orders", "--limit", "0"], 2, /whole number from 1/],
    ["an unknown option", ["read", "shop.orders", "--fast"], 2, /unknown option '--fast'/],
    ["an unknown command", ["reed"], 2, /unknown command 'reed'.*\n?.*read/],
    ["a missing argument", ["read"], 2, /missing required argument 'topic'/],
  ])("says so in one message: %s", async (_name, args, code, message) => {
    const outcome = await mulgil(args, { cwd, env: { MULGIL_DATA_DIR: "data" } });
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toMatch(/\n {4}at /);
  });

  it("reports a damaged gzip file, and keeps what came before", async () => {
    const rows = Array.from({ length: 50_000 }, (_, index) => order(index)).join("\n");
    const { write, read } = project({ "orders.ndjson.gz": gzipSync(rows).subarray(0, 100_000) });
    const { code, stderr } = await write("orders.ndjson.gz");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /gzip data is damaged or ends too early; .* records, up to line \d+, are safely written \[FILE_UNREADABLE\]/,
    );
    const promised = Number(/(\d+) records, up to line/.exec(stderr)?.[1]);
    expect(await read()).toHaveLength(promised);
  });

  it("shows the stack of an error only with MULGIL_DEBUG=1", async () => {
    const { cwd } = project();
    const { stderr } = await mulgil(["write", "x", "-f", "nope"], { cwd, env: { MULGIL_DEBUG: "1" } });
    expect(stderr).toMatch(/\n {4}at /);
  });
});
