import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { objectsIn } from "./support/mulgil.ts";
import { ascending, FIRST_MS, PARTITIONS, type PrintedEvent, ReplayProject, upTo } from "./support/replay-project.ts";

const TEST_MAX_MS = 180_000;

async function project(events = 200): Promise<ReplayProject> {
  const made = new ReplayProject("shop");
  if (events > 0) await made.write(events);
  return made;
}

const numbersOf = (text: string): readonly number[] =>
  ascending(objectsIn<PrintedEvent>(text).map(({ value }) => value.number));

describe("mulgil replay", { timeout: TEST_MAX_MS }, () => {
  it("shows with --dry-run what would be replayed, and changes nothing", async () => {
    const shop = await project();
    await shop.runUntilIdle();
    const topics = await shop.ok(["topics"]);
    const { code, stdout } = await shop.replay(
      shop.events,
      "--to-job",
      "shop",
      "--where",
      "value.number < 50",
      "--dry-run",
      "--sample",
      "2",
    );
    expect(code).toBe(0);
    expect(stdout).toContain(`50 records of topic ${shop.events} would be replayed to job shop`);
    expect(stdout.match(/partition \d: offsets 0 to \d+/g)).toHaveLength(PARTITIONS);
    expect(stdout).toContain(`topic shop.${shop.events}.replay would be made, with ${PARTITIONS} partitions`);
    expect(stdout).toContain("what job shop makes of them goes to shop.totals, once more");
    expect(stdout.match(/"number":/g)).toHaveLength(2);
    expect(stdout).toContain("this was a dry run");
    expect(await shop.ok(["topics"])).toBe(topics);
    expect(await shop.replays()).toEqual([]);
  });

  it("says that its numbers are an estimate where it has not looked at everything", async () => {
    const shop = await project(25_000);
    const { stdout } = await shop.replay(
      shop.events,
      "--to-file",
      "out",
      "--dry-run",
      "--where",
      "value.number / 20 % 2 == 0",
    );
    expect(stdout).toMatch(/^about 12,\d{3} records of topic/);
  });

  it("writes a file for its owner alone, with what `mulgil read` prints, and never over another one", async () => {
    const shop = await project();
    const { code, stdout } = await shop.changing(shop.events, "--to-file", "out.ndjson");
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("200 records of 200 written") });
    const content = readFileSync(shop.file("out.ndjson"), "utf8");
    expect(content).toBe(await shop.ok(["read", shop.events, "--schemas", "."]));
    expect(statSync(shop.file("out.ndjson")).mode & 0o777).toBe(0o600);
    const again = await shop.changing(shop.events, "--to-file", "out.ndjson");
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("exists already, and nothing is overwritten"),
    });
    expect(readFileSync(shop.file("out.ndjson"), "utf8")).toBe(content);
  });

  it("writes envelopes that `mulgil write` takes", async () => {
    const shop = await project(20);
    await shop.changing(shop.events, "--to-file", "out.ndjson", "--format", "envelope");
    writeFileSync(shop.file("event.avsc"), readFileSync(shop.file("event.avsc"), "utf8").replace(shop.events, "copy"));
    await shop.ok(["write", "copy", "-f", "out.ndjson", "--envelope", "--schemas", "."]);
    expect(ascending(await shop.numbersIn("copy"))).toEqual(upTo(20));
  });

  it("finds records by key, header, value, place and time", async () => {
    const shop = await project();
    await shop.write(20, { branch: "7" });
    const all = await shop.read(shop.events);
    const minute = (n: number) => new Date(FIRST_MS + n * 60_000).toISOString();
    const cases: readonly (readonly [args: readonly string[], isMeant: (event: PrintedEvent) => boolean])[] = [
      [["--key", "key-3", "--key", "key-4"], ({ value }) => value.key === "key-3" || value.key === "key-4"],
      [["--header", "branch=7"], ({ value }) => value.number >= 200],
      [["--header", "branch=7", "--header", "other=1"], () => false],
      [["--where", "value.amount > 1.50"], ({ value }) => value.number > 150],
      [
        ["--where", 'value.amount == decimal("0.30") || value.amount == 1'],
        ({ value }) => value.number === 30 || value.number === 100,
      ],
      [["--where", `value.at < timestamp("${minute(10)}")`], ({ value }) => value.number < 10],
      [["--where", "value.number in [1, 5] && value.note == null"], ({ value }) => [1, 5].includes(value.number)],
      [["--where", 'key == "key-2" && partition >= 0 && "branch" in headers'], ({ value }) => value.number === 202],
      [["--where", `timestamp >= timestamp("${minute(210)}")`], ({ value }) => value.number >= 210],
      [["--partition", "1", "--partition", "2"], ({ partition }) => partition === 1 || partition === 2],
      [["--from", "offset:5", "--to", "offset:9"], ({ offset }) => offset >= 5 && offset < 9],
      [["--from", minute(100), "--to", minute(120)], ({ value }) => value.number >= 100 && value.number < 120],
      [["--since", "1 day"], () => false],
    ];
    for (const [index, [args, isMeant]] of cases.entries()) {
      const file = `${index}.ndjson`;
      expect(await shop.changing(shop.events, "--to-file", file, ...args), args.join(" ")).toMatchObject({ code: 0 });
      const expected = ascending(all.filter(isMeant).map(({ value }) => value.number));
      expect(numbersOf(readFileSync(shop.file(file), "utf8")), args.join(" ")).toEqual(expected);
    }
  });

  it("goes into a job alone, while it runs, and counts there exactly once more", async () => {
    const shop = await project();
    const running = shop.run();
    await running.until(({ stdout }) => stdout.includes('"recordsIn":200'));
    const { code, stdout } = await shop.changing(shop.events, "--to-job", "shop");
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("its workers begin with them within seconds"),
    });
    await expect.poll(() => shop.totals(), { timeout: 60_000 }).toEqual(shop.expectedTotals(2));
    // The source is as it was: nobody else got anything.
    expect(ascending(await shop.numbersIn(shop.events))).toEqual(upTo(200));
    running.process.kill("SIGTERM");
    await running.ended;
  });

  it("keeps partition, key, timestamp and headers in another topic, and says where records are from", async () => {
    const shop = await project(0);
    await shop.write(20, { branch: "7" });
    expect(await shop.changing(shop.events, "--to-topic", "copy", "--id", "first")).toMatchObject({ code: 0 });
    const [originals, copies] = [await shop.read(shop.events), await shop.read("copy")];
    const marked = originals.map((event) => ({
      ...{ ...event, topic: "copy" },
      headers: {
        ...event.headers,
        "mulgil.replay": "first",
        "mulgil.replay.from": `${shop.events}/${event.partition}/${event.offset}`,
      },
    }));
    expect(copies).toEqual(marked);
  });

  it("leaves copies of copies out", async () => {
    const shop = await project(20);
    await shop.changing(shop.events, "--to-topic", "copy");
    const { stdout } = await shop.changing("copy", "--to-topic", shop.events);
    expect(stdout).toContain("0 records of 20 written");
    expect(stdout).toContain("20 records left out because they were replayed before");
    expect(await shop.changing("copy", "--to-topic", shop.events, "--copies")).toMatchObject({ code: 0 });
    expect(await shop.numbersIn(shop.events)).toHaveLength(40);
  });

  it("is recorded: who, what and why, without a word of the records", async () => {
    const shop = await project(20);
    await shop.changing(shop.events, "--to-file", "out", "--key", "key-3");
    const trail = await shop.ok(["audit", "-o", "json"]);
    expect(trail).toContain('"replay"');
    expect(trail).toContain("a test");
    expect(trail).not.toContain("key-3");
  });
});

describe("mulgil replay, interrupted", { timeout: TEST_MAX_MS }, () => {
  const EVENTS = 3_000;

  it.each(["--to-file", "--to-topic"])(
    "killed halfway and resumed: nothing twice, nothing missing (%s)",
    async (target) => {
      const shop = await project(EVENTS);
      const first = shop.startReplay(shop.events, target, "out", "--rate", "100/s", "--id", "kill");
      await shop.untilHalfway("kill", EVENTS, first);
      first.process.kill("SIGKILL");
      await first.ended;
      // What a batch that did not end has left in a file.
      if (target === "--to-file") writeFileSync(shop.file("out"), '{"half', { flag: "a" });
      const resumed = await shop.changing("resume", "kill", "--rate", "5000/s");
      expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining("3,000 records of 3,000 written") });
      const numbers =
        target === "--to-file"
          ? numbersOf(readFileSync(shop.file("out"), "utf8"))
          : ascending(await shop.numbersIn("out"));
      expect(numbers).toEqual(upTo(EVENTS));
      expect(await shop.replays()).toMatchObject([{ id: "kill", status: "done", progress: "100%" }]);
    },
  );

  it("killed halfway on its way into a job that runs, and resumed: its totals end exactly", async () => {
    const shop = await project(EVENTS);
    const running = shop.run();
    await running.until(({ stdout }) => stdout.includes(`"recordsIn":${EVENTS}`));
    const first = shop.startReplay(shop.events, "--to-job", "shop", "--rate", "100/s", "--id", "kill");
    await shop.untilHalfway("kill", EVENTS, first);
    first.process.kill("SIGKILL");
    await first.ended;
    expect(await shop.changing("resume", "kill", "--rate", "5000/s")).toMatchObject({ code: 0 });
    await expect.poll(() => shop.totals(), { timeout: 60_000 }).toEqual(shop.expectedTotals(2));
    running.process.kill("SIGTERM");
    await running.ended;
    await shop.runUntilIdle();
    expect(await shop.totals()).toEqual(shop.expectedTotals(2));
  });

  it("by Ctrl-C: ends with what is written whole, and says how to go on", async () => {
    const shop = await project(EVENTS);
    const first = shop.startReplay(shop.events, "--to-topic", "out", "--rate", "100/s", "--id", "stop");
    await shop.untilHalfway("stop", EVENTS, first);
    first.process.kill("SIGINT");
    const { code, stderr } = await first.ended;
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("go on with mulgil replay resume stop"),
    });
    const [listed] = await shop.replays();
    expect(listed).toMatchObject({ status: "interrupted" });
    expect(await shop.numbersIn("out")).toHaveLength(listed!.counts!.written);
    // The same command with the same id goes on, too; and when all is done, nothing happens.
    const same = [shop.events, "--to-topic", "out", "--id", "stop", "--rate", "5000/s"];
    expect(await shop.changing(...same)).toMatchObject({ code: 0 });
    expect(ascending(await shop.numbersIn("out"))).toEqual(upTo(EVENTS));
    expect(await shop.changing(...same)).toMatchObject({ code: 0, stdout: expect.stringContaining("done already") });
    expect(await shop.numbersIn("out")).toHaveLength(EVENTS);
  });

  it("by another process that goes on with it: the first one ends, and nothing is twice", async () => {
    const shop = await project(EVENTS);
    // Both are guests of a job's process.
    const running = shop.run();
    await running.until(({ stdout }) => stdout.includes(`"recordsIn":${EVENTS}`));
    const first = shop.startReplay(shop.events, "--to-topic", "out", "--rate", "50/s", "--id", "two");
    await shop.untilHalfway("two", EVENTS, first);
    const second = shop.startReplay("resume", "two", "--rate", "500/s");
    expect(await first.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('another process goes on with replay "two"'),
    });
    await shop.untilHalfway("two", EVENTS + 1);
    second.process.kill("SIGKILL");
    await second.ended;
    expect(await shop.changing("resume", "two", "--rate", "5000/s")).toMatchObject({ code: 0 });
    expect(ascending(await shop.numbersIn("out"))).toEqual(upTo(EVENTS));
  });

  it("at a record on which the filter fails: it goes on there, or leaves it out from the start", async () => {
    const shop = await project(60);
    // Text is no number: the expression has an answer for the events without a note alone.
    await shop.ok(
      ["write", shop.events, "-f", "-", "--schemas", "."],
      JSON.stringify({ key: "key-1", number: 60, amount: "1.00", at: FIRST_MS, note: "odd" }),
    );
    const where = ["--where", "value.note == null || int(value.note) > 0"];
    const stopped = await shop.changing(shop.events, "--to-file", "a", ...where);
    expect(stopped).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the filter cannot be answered for the record at offset"),
    });
    expect(existsSync(shop.file("a"))).toBe(false);
    const skipped = await shop.changing(shop.events, "--to-file", "b", ...where, "--on-error", "skip");
    expect(skipped).toMatchObject({ code: 0, stdout: expect.stringContaining("60 records of 61 written") });
    expect(skipped.stdout).toContain("1 record left out because the filter failed");
  });
});

describe("mulgil replay refuses", { timeout: TEST_MAX_MS }, () => {
  it("what cannot be, says what to do, and changes nothing", async () => {
    const shop = await project(20);
    const before = await shop.ok(["topics"]);
    const cases: readonly (readonly [what: string, args: readonly string[], code: number, says: string])[] = [
      ["no target", [], 2, "Say where to, once: --to-job <job>, --to-topic <topic> or --to-file <file>."],
      ["two targets", ["--to-file", "a", "--to-topic", "b"], 2, "Say where to, once"],
      ["a wrong rate", ["--to-file", "a", "--rate", "fast"], 2, "Write a number of records and a unit"],
      ["a wrong header", ["--to-file", "a", "--header", "x"], 2, "Write name=value"],
      ["--since with --from", ["--to-file", "a", "--since", "1h", "--from", "2h"], 2, "cannot be used with option"],
      ["a partition that is not there", ["--to-file", "a", "-p", "9"], 1, "has the partitions 0 to 3, and no 9"],
      ["an unknown job", ["--to-job", "nobody"], 1, 'no job "nobody" has ever run here'],
      [
        "a mistake of CEL, with its place",
        ["--to-file", "a", "--where", "value.number >> 3"],
        1,
        "1 | value.number >> 3",
      ],
      ["an expression with unknown names", ["--to-file", "a", "--where", "amount > 3"], 1, "Unknown variable: amount"],
      ["an expression that is no question", ["--to-file", "a", "--where", "offset + 1"], 1, "has to say yes or no"],
      ["the topic itself", ["--to-topic", "shop.events"], 1, "cannot be replayed into itself"],
      ["internal topics", ["--to-topic", "mulgil.plans"], 1, '"mulgil.plans" is an internal topic'],
    ];
    for (const [what, args, code, says] of cases) {
      const outcome = await shop.changing(shop.events, ...args);
      expect(outcome.stderr, what).toContain(says);
      expect(outcome.code, what).toBe(code);
    }
    expect(await shop.ok(["topics"])).toBe(before);
    expect(existsSync(shop.file("a"))).toBe(false);
  });

  it("topics and replays that it does not know, with those that there are", async () => {
    const shop = await project(20);
    const unknown = await shop.changing("shop.evnts", "--to-file", "a");
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("there are shop.events") });
    expect(await shop.changing("resume", "nothing")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("none was ever begun here"),
    });
    await shop.changing(shop.events, "--to-file", "a", "--id", "one");
    expect(await shop.changing("resume", "nothing")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the last ones are one"),
    });
    const taken = await shop.changing(shop.events, "--to-file", "b", "--id", "one");
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('there is a replay "one" already') });
  });

  it("to go on without a yes or a reason", async () => {
    const shop = await project(20);
    expect(await shop.replay(shop.events, "--to-file", "a", "--why", "x")).toMatchObject({ code: 4 });
    expect(await shop.replay(shop.events, "--to-file", "a", "--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--why"),
    });
    expect(existsSync(shop.file("a"))).toBe(false);
  });

  it("topics that come back to the source, unless it is wanted, and jobs that do not read it", async () => {
    const shop = await project(20);
    await shop.runUntilIdle();
    // shop reads shop.events and writes shop.totals: what is written to shop.events reaches shop.totals.
    const loop = await shop.changing("shop.totals", "--to-topic", shop.events);
    expect(loop).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('comes back to "shop.totals": job shop → topic shop.totals'),
    });
    expect(
      await shop.changing("shop.totals", "--to-topic", shop.events, "--allow-loop", "--where", "false"),
    ).toMatchObject({ code: 0 });
    const unread = await shop.changing("shop.totals", "--to-job", "shop");
    expect(unread).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('topic "shop.totals" is no source of job "shop": it reads shop.events'),
    });
    const changelog = await shop.changing(shop.events, "--to-topic", "shop.totals.changelog");
    expect(changelog).toMatchObject({ code: 1, stderr: expect.stringContaining('is an internal topic of job "shop"') });
  });
});
