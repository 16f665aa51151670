import { describe, expect, it } from "vitest";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { replayTopicOf } from "../../runtime/plan/internal-topics.ts";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";
import { ids, ORDERED_MS, OrdersProject } from "./support/orders-project.ts";
import { expectRedriveStory } from "./support/redrive-story.ts";

const patience = { timeout: 60_000, interval: 500 };
const confirmed = ["--yes", "--why", "a test"] as const;

/** A job that has left dead letters, and does not run. */
async function ended(orders: Parameters<OrdersProject["write"]>[0]): Promise<OrdersProject> {
  const project = new OrdersProject();
  await project.write(orders);
  await project.run();
  return project;
}

describe("mulgil dlq", { timeout: 120_000 }, () => {
  it(
    "finds, mends and redrives 23,000 dead letters of three kinds, each once, also when it is killed half-way",
    {
      timeout: 400_000,
    },
    () => expectRedriveStory(new OrdersProject()),
  );

  it("counts dead letters by code and step, and shows none of what may be somebody's data in ls", async () => {
    const project = await ended({ commas: ids("c", 3), days: ids("d", 2) });
    expect(await project.groups()).toMatchObject([
      { job: "bookings", code: "AMOUNT", step: "orders>map", count: 3, open: 3, redriven: 0, returned: 0 },
      { code: "DAY", count: 2, message: 'order "…" is of "…"', oldest: expect.stringMatching(/^20\d\d-.*Z$/) },
    ]);
    expect(await project.dlq()).toMatch(
      /^JOB +CODE +STEP +COUNT +OPEN +REDRIVEN +RETURNED +OLDEST +NEWEST +MESSAGE\nbookings +AMOUNT +orders>map +3 +3 +0 +0 /,
    );
    expect(await project.dlq("ls", "-o", "yaml")).toContain("code: DAY\n");
  });

  it("shows where a letter came from, why, and what it says; bytes where it cannot be decoded", async () => {
    const project = await ended({ commas: ["c-0"], plain: ["p-0"] });
    const shown = JSON.parse(await project.dlq("show", "bookings", "-o", "json"));
    expect(shown).toHaveLength(2);
    expect(shown).toContainEqual({
      ...{ topic: "bookings.dlq", partition: 0, offset: expect.any(Number), state: "open", code: "AMOUNT" },
      ...{ step: "orders>map", message: 'order "c-0" has amount "12,50"', timestamp: expect.any(String), redrives: 0 },
      source: {
        ...{ topic: "orders", partition: expect.any(Number), offset: expect.any(Number) },
        timestamp: new Date(ORDERED_MS).toISOString(),
      },
      ...{ key: "c-0", value: { id: "c-0", amount: "12,50", day: "2025-12-24" }, headers: { shop: "web" } },
    });
    expect(shown).toContainEqual(
      expect.objectContaining({
        code: "VALUE_NOT_FRAMED",
        value: { $bytes: expect.any(String), $error: expect.any(String) },
      }),
    );
    expect(await project.dlq("show", "bookings", "--code", "AMOUNT")).toMatch(
      /^bookings\.dlq\/0\/\d+ {2}\S+ {2}AMOUNT at orders>map {2}open\n {2}why +order "c-0" has .*\n {2}from +orders\/\d\/\d+, 2025-12-24T10:00:00\.000Z\n {2}key +c-0\n {2}value +\{/,
    );
  });

  it("selects by code, step, key, expression, time, place and number", async () => {
    const project = await ended({ commas: ids("c", 3), days: ids("d", 3) });
    const keys = async (...args: readonly string[]) =>
      (JSON.parse(await project.dlq("show", "bookings", "-o", "json", ...args)) as { key: string }[])
        .map(({ key }) => key)
        .sort();
    const all = ["c-0", "c-1", "c-2", "d-0", "d-1", "d-2"];
    expect(await keys()).toEqual(all);
    expect(await keys("--code", "DAY")).toEqual(all.slice(3));
    expect(await keys("--code", "DAY", "--code", "AMOUNT")).toEqual(all);
    expect(await keys("--step", "elsewhere")).toEqual([]);
    expect(await keys("--key", "d-1")).toEqual(["d-1"]);
    expect(await keys("--where", 'value.amount.contains(",") && key != "c-1"')).toEqual(["c-0", "c-2"]);
    expect(await keys("--where", 'code == "DAY" && headers["shop"] == "web"')).toEqual(all.slice(3));
    expect(await keys("--since", "1h")).toEqual(all);
    expect(await keys("--to", "1h")).toEqual([]);
    expect(await keys("--from", "2030-01-01T00:00:00Z")).toEqual([]);
    expect(await keys("--partition", "0", "--limit", "2")).toHaveLength(2);
    const [one] = JSON.parse(await project.dlq("show", "bookings", "-o", "json", "--key", "d-2")) as {
      offset: number;
    }[];
    expect(await keys("--offset", String(one!.offset))).toEqual(["d-2"]);
    expect(await keys("--offset", "999")).toEqual([]);
    const passedOver = await project.command("dlq", "show", "bookings", "--where", "value.nope == 1");
    expect(passedOver).toMatchObject({ code: 0, stdout: "no such dead letters\n" });
    expect(passedOver.stderr).toContain(
      "could not be answered for 6 dead letters, which were passed over: No such key",
    );
  });

  it("shows before and after of a sample first, and changes nothing without a yes", async () => {
    const project = await ended({ commas: ["c-0", "c-1", "c-2-leave", "c-3-break"] });
    const asked = ["redrive", "bookings", "--transform", "mend.ts"] as const;
    const dry = await project.dlq(...asked, "--dry-run", "--sample", "1");
    expect(dry).toContain("4 dead letters to go back: AMOUNT 4\n  to bookings.orders.replay: 4\n");
    expect(dry).toContain("the transform was tried on 4 of them: 2 mended, 1 left out, 1 failed\n");
    expect(dry).toContain("failed 1 times: AMOUNT: no idea what that is\n");
    expect(dry.match(/before/g)).toHaveLength(1);
    expect(await project.dlq(...asked, "--dry-run")).toMatch(
      /before \{"id":"c-0","amount":"12,50","day":"2025-12-24"\}\n +after +\{"id":"c-0","amount":"12\.50","day":"2025-12-24"\}\n/,
    );
    expect(await project.command("dlq", ...asked)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[CHANGE_REASON_MISSING]"),
    });
    expect(await project.command("dlq", ...asked, "--why", "x")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("[CHANGE_UNCONFIRMED]"),
    });
    expect(await project.groups()).toMatchObject([{ open: 4, redriven: 0 }]);
  });

  it("leaves what the transform leaves or fails on, and tells the audit trail how many of which code", async () => {
    const project = await ended({ commas: ["c-0", "c-1", "c-2-leave", "c-3-break"], plain: ["p-0"] });
    const done = await project.dlq("redrive", "bookings", "--transform", "mend.ts", "--target", "replay", ...confirmed);
    expect(done).toBe(
      "3 dead letters redriven: AMOUNT 2, VALUE_NOT_FRAMED 1\n1 left in the DLQ by the transform: AMOUNT 1\n1 stay, the transform failed: AMOUNT: no idea what that is\n",
    );
    expect(await project.groups()).toMatchObject([
      { code: "AMOUNT", open: 2, redriven: 2 },
      { code: "VALUE_NOT_FRAMED", open: 0, redriven: 1 },
    ]);
    const audit = JSON.parse((await project.command("audit", "-o", "json")).stdout);
    expect(audit).toMatchObject([
      {
        action: "dlq redrive",
        target: "job bookings",
        why: "a test",
        outcome: "begun",
        before: { selection: "all", open: { AMOUNT: 4 } },
      },
      {
        outcome: "done",
        after: {
          target: "replay",
          transform: "mend.ts",
          redriven: { AMOUNT: 2, VALUE_NOT_FRAMED: 1 },
          skipped: { AMOUNT: 1 },
        },
      },
    ]);
  });

  it("gives up on a letter that comes back as often as it may", async () => {
    const project = await ended({ commas: ["c-0"] });
    const redrive = () => project.dlq("redrive", "bookings", "--attempts-max", "2", ...confirmed);
    for (const returned of [1, 2]) {
      expect(await redrive()).toContain("1 dead letters redriven");
      await project.run();
      expect(await project.groups()).toMatchObject([{ count: returned + 1, open: 1, redriven: returned, returned }]);
    }
    expect(await redrive()).toBe(
      "nothing to redrive\n1 stay: redriven as often as allowed, and here again: see --attempts-max\n",
    );
    expect(await project.dlq("show", "bookings")).toContain("redriven 2 times before");
  });

  it("says what cannot go back: what a timer made, and what the job does not read", async () => {
    const project = await ended({ commas: ["c-0"] });
    await project.addLetters([
      { "mulgil.dlq.code": "MADE", "mulgil.dlq.derived": "true" },
      {
        "mulgil.dlq.code": "ELSEWHERE",
        "mulgil.dlq.topic": "other",
        "mulgil.dlq.partition": "0",
        "mulgil.dlq.offset": "1",
        "mulgil.dlq.timestamp": "1",
      },
      { "mulgil.dlq.code": "ELSEWHERE" },
    ]);
    const dry = await project.dlq("redrive", "bookings", "--dry-run");
    expect(dry).toContain("1 dead letters to go back: AMOUNT 1\n");
    expect(dry).toContain("2 stay: made by a timer");
    expect(dry).toContain("1 stay: the job does not read the topic any more");
    expect(await project.dlq("show", "bookings", "--code", "MADE")).toContain(
      "from     no record: a timer, or a result",
    );
  });

  it("writes to the source topic where it is asked to, as the records were", async () => {
    const project = await ended({ good: ["g-0"], commas: ["c-0"] });
    await project.dlq("redrive", "bookings", "--transform", "mend.ts", "--target", "source", ...confirmed);
    const { topics, orders } = await project.withLog(async ({ log }) => ({
      topics: (await log.describeTopics()).map(({ topic }) => topic),
      orders: (
        await Promise.all([0, 1, 2].map((partition) => readPartition(log, { topic: "orders", partition })))
      ).flat(),
    }));
    expect(topics).not.toContain(replayTopicOf("bookings", "orders"));
    expect(orders.filter(({ key }) => key?.toString() === "c-0")).toMatchObject([
      { timestampMs: ORDERED_MS, headers: { shop: Buffer.from("web") } },
      { timestampMs: ORDERED_MS, headers: { shop: Buffer.from("web"), "mulgil.redrive.count": Buffer.from("1") } },
    ]);
    await project.run();
    expect([...(await project.booked())].sort()).toEqual(["c-0", "g-0"]);
  });

  it("stops between two transactions on Ctrl-C, says so, and goes on with the same command", async () => {
    const project = await ended({ commas: ids("c", 40) });
    const command = ["redrive", "bookings", "--rate", "10/s", ...confirmed];
    const redrive = project.start("dlq", ...command);
    await expect.poll(async () => (await project.groups())[0]?.["redriven"], patience).toBeGreaterThan(0);
    redrive.process.kill("SIGINT");
    const { code, stderr } = await redrive.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /it was interrupted: \d+ dead letters were redriven.*the same command goes on \[INTERRUPTED\]/,
    );
    const [{ open, redriven }] = (await project.groups<{ open: number; redriven: number }>()) as [
      { open: number; redriven: number },
    ];
    expect(open + redriven).toBe(40);
    expect(open).toBeGreaterThan(0);
    expect(await project.dlq("redrive", "bookings", ...confirmed)).toContain(`${open} dead letters redriven`);
  });

  it("purges all, a beginning, or marks what lies behind others, and says which", async () => {
    const project = await ended({ commas: ids("c", 3), days: ids("d", 3) });
    await project.dlq("redrive", "bookings", "--code", "DAY", "--transform", "mend.ts", ...confirmed);
    const marked = await project.command("dlq", "purge", "bookings", "--redriven", ...confirmed);
    expect(marked).toMatchObject({ code: 0, stdout: "3 dead letters purged\n" });
    expect(marked.stderr).toMatch(/3 dead letters of bookings\.dlq would be purged: DAY 3\n(?! .*never redriven)/);
    expect(await project.groups()).toMatchObject([{ code: "AMOUNT", count: 3 }]);
    expect(await project.command("dlq", "purge", "bookings", "--redriven", ...confirmed)).toMatchObject({
      code: 0,
      stdout: "nothing to purge\n",
    });
    const behind = await project.command("dlq", "purge", "bookings", "--key", "c-2", ...confirmed);
    expect(behind.stderr).toMatch(/1 of them were never redriven: what they hold is lost\n/);
    const left = JSON.parse(await project.dlq("show", "bookings", "-o", "json", "--all")) as { key: string }[];
    expect(left.map(({ key }) => key).sort()).toEqual(["c-0", "c-1"]);
    expect(await project.dlq("purge", "bookings", "--dry-run")).toContain(
      "2 dead letters of bookings.dlq would be purged: AMOUNT 2\n",
    );
    expect(await project.command("dlq", "purge", "bookings")).toMatchObject({ code: 1 });
    expect(await project.dlq("purge", "bookings", ...confirmed)).toBe("2 dead letters purged\n");
    expect(await project.dlq("ls")).toBe("no dead letters\n");
    const [start, end] = await project.withLog(async ({ log }) => [
      await log.listOffsets([{ topic: "bookings.dlq", partition: 0 }], "earliest", "read_committed"),
      await log.listOffsets([{ topic: "bookings.dlq", partition: 0 }], "latest", "read_committed"),
    ]);
    expect(start).toEqual(end);
    const audit = JSON.parse((await project.command("audit", "-o", "json")).stdout);
    expect(audit.at(-1)).toMatchObject({
      action: "dlq purge",
      outcome: "done",
      before: { letters: { AMOUNT: 2 } },
      after: { deleted: 2, marked: 0 },
    });
  });

  it("has a clear word for what is wrong", async () => {
    const project = await ended({ commas: ["c-0"] });
    project.file("none.ts", "export const x = 1;");
    project.file("broken.ts", "export default (;");
    const stderr = async (...args: readonly string[]) => (await project.command("dlq", ...args)).stderr;
    expect(await stderr("ls", "other")).toBe(
      'mulgil: there is no DLQ of a job "other": there is one of bookings [DLQ_UNKNOWN]\n',
    );
    expect(await stderr("redrive", "other", ...confirmed)).toContain(
      'no job "other" has ever run here: there is bookings [JOB_UNKNOWN]',
    );
    expect(await stderr("show", "bookings", "--where", "valu.x == 1")).toMatch(
      /Unknown variable: valu[\s\S]*> +1 \| valu\.x == 1\n +\^[\s\S]*\[WHERE_INVALID\]/,
    );
    expect(await stderr("show", "bookings", "--partition", "7")).toContain("[PARTITION_UNKNOWN]");
    expect(await stderr("show", "bookings", "--from", "1h", "--to", "2h")).toContain("[SELECTION_EMPTY]");
    expect(await stderr("redrive", "bookings", "--transform", "gone.ts")).toContain("[TRANSFORM_MISSING]");
    expect(await stderr("redrive", "bookings", "--transform", "none.ts")).toContain("[TRANSFORM_INVALID]");
    expect(await stderr("redrive", "bookings", "--transform", "broken.ts")).toContain("[JOB_FILE_LOAD]");
    expect((await mulgil(["dlq"], { cwd: temporaryFolder() })).stderr).toContain("[DATA_DIR_MISSING]");
  });

  it.each([
    [["dlq", "show"], "missing required argument 'job'"],
    [["dlq", "show", "j", "--since", "soon"], "Write a time like"],
    [["dlq", "show", "j", "--since", "1h", "--from", "2h"], "cannot be used with"],
    [["dlq", "redrive", "j", "--rate", "fast"], "Write a rate like 500/s"],
    [["dlq", "redrive", "j", "--target", "elsewhere"], "Allowed choices are replay, source"],
    [["dlq", "purge"], "missing required argument 'job'"],
  ])("refuses wrong usage with 2: %j", async (args, text) => {
    const { code, stderr } = await mulgil(args, { cwd: temporaryFolder() });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(text) });
  });
});
