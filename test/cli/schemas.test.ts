import { describe, expect, it } from "vitest";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";
import { eventSchema, totalsProject } from "./support/totals-project.ts";

const WHY = ["--why", "a test", "--yes"];
const city = { name: "city", type: "string", default: "?" };
const day = { name: "day", type: "int" };

/** Two versions of a schema, and records of both; the commands look for local files in the folder itself. */
async function twoVersions() {
  const project = totalsProject();
  const schemas = (...args: readonly string[]) => project.command("schemas", ...args, "--schemas", ".");
  const local = (...fields: readonly object[]) => project.file("event.avsc", JSON.stringify(eventSchema(2, ...fields)));
  await project.write("a", "b");
  local(city);
  expect(await schemas("register", ...WHY)).toMatchObject({ code: 0 });
  await project.write("c");
  return {
    ...project,
    schemas,
    local,
    async listed() {
      const { code, stdout } = await schemas("ls", "-o", "json");
      expect(code).toBe(0);
      return JSON.parse(stdout);
    },
    async checked(...args: readonly string[]) {
      const { code, stdout } = await schemas("check", ...args, "-o", "json");
      return { code, checks: JSON.parse(stdout) };
    },
  };
}

describe("mulgil schemas", { timeout: 120_000 }, () => {
  it("lists what is registered, the rule, and how local files stand to it", async () => {
    const { listed, local, schemas, file } = await twoVersions();
    const versions = [
      { version: 1, id: 1 },
      { version: 2, id: 2 },
    ];
    const event = { subject: "events-value", versions, compatibility: "BACKWARD", hasTopic: true, file: "event.avsc" };
    expect(await listed()).toEqual([{ ...event, status: "latest" }]);
    local();
    expect(await listed()).toEqual([{ ...event, status: "older version" }]);
    local(city, { ...city, name: "street" });
    file("other.avsc", JSON.stringify({ ...eventSchema(), name: "Other", topic: "others" }));
    expect(await listed()).toEqual([
      { ...event, status: "differs" },
      {
        subject: "others-value",
        versions: [],
        compatibility: "-",
        hasTopic: false,
        file: "other.avsc",
        status: "not registered",
      },
    ]);
    expect((await schemas()).stdout).toMatch(
      /^SUBJECT +VERSIONS +ID +COMPATIBILITY +TOPIC +FILE +STATUS\nevents-value +2 +2 +BACKWARD +yes +event.avsc +differs\n/,
    );
  });

  it("checks a file against every version that records may carry, and ends with 3 when one cannot be read", async () => {
    const { checked, local, schemas } = await twoVersions();
    expect(await checked()).toMatchObject({ code: 0, checks: [{ status: "registered", version: 2, issues: [] }] });
    // Fits version 2, which is all that a registry looks at, and not the records of version 1.
    local({ name: "city", type: "string" });
    const { code, checks } = await checked("events");
    expect(code).toBe(3);
    expect(checks).toMatchObject([
      {
        ...{ file: "event.avsc", status: "new", version: 3, carried: [{ version: 1 }, { version: 2 }] },
        issues: [{ version: 1, direction: "reads", path: "Event.city" }],
      },
    ]);
    const text = await schemas("check");
    expect(text).toMatchObject({ code: 3, stderr: "" });
    expect(text.stdout).toBe(
      "event.avsc: does not fit; it would be version 3 of events-value, and records may carry versions 1, 2\n  version 1  Event.city: the writer does not have the field: give it a default, or an alias if it was renamed\n",
    );
    const refused = await schemas("register", ...WHY);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /nothing was registered: .*\n {2}event.avsc, version 1 {2}Event.city: .*\[SCHEMA_INCOMPATIBLE\]\n$/,
    );
  });

  it("knows with --scan which versions the records really carry", async () => {
    const { checked, local, schemas, run, job, write } = await twoVersions();
    expect((await checked("--scan")).checks).toMatchObject([
      {
        carried: [
          { version: 1, records: 2 },
          { version: 2, records: 1 },
        ],
        foreignIds: [],
      },
    ]);
    expect((await schemas("check", "--scan")).stdout).toContain("records carry versions 1 (2 records), 2 (1 record)\n");
    // A job writes under another subject; the first records of "totals" are version 1 of that.
    job("job.ts", {});
    await write("d");
    await run("job.ts");
    local({ name: "city", type: "string" }, day);
    const { checks } = await checked("--scan");
    expect(
      checks[0].issues.map(({ version, path }: { version: number; path: string }) => `${version} ${path}`),
    ).toEqual([...["1 Event.city", "1 Event.day", "2 Event.day"]]);
  });

  it("demands nothing of a version that no record carries, but what the rule says", async () => {
    const project = totalsProject();
    const schemas = (...args: readonly string[]) => project.command("schemas", ...args, "--schemas", ".");
    await project.done("schemas", "register", "--schemas", ".", ...WHY);
    project.file("event.avsc", JSON.stringify(eventSchema(2, city)));
    await project.done("schemas", "register", "--schemas", ".", ...WHY);
    project.file("event.avsc", JSON.stringify(eventSchema(2, { name: "city", type: "string" })));
    const { code, stdout } = await schemas("check");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "event.avsc: fits; it would be version 3 of events-value, and no record carries a version of it\n",
    });
  });

  it("shows the difference field by field, to the latest or to any version", async () => {
    const { schemas, local } = await twoVersions();
    expect((await schemas("diff")).stdout).toBe("event.avsc: the same as version 2 of events-value\n");
    local({ ...city, type: "string", default: "", pii: "mask" }, { ...day, default: 0 });
    expect(await schemas("diff", "events")).toMatchObject({
      code: 0,
      stdout:
        'event.avsc: version 2 of events-value →\n  ~ Event.city@default: "?" → ""\n  + Event.day: int, default 0\n  + Event.city@pii: "mask"\n',
    });
    const { stdout } = await schemas("diff", "--against", "1", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject([
      {
        version: 1,
        changes: [{ path: "Event.city", change: "added", after: 'string, default ""' }, { path: "Event.day" }],
      },
    ]);
    expect((await schemas("diff", "--against", "9")).stderr).toContain(
      "events-value has no version 9: there is 1, 2 [SCHEMA_VERSION_UNKNOWN]",
    );
  });

  it("registers what is new, after a look and a yes, and records it", async () => {
    const { schemas, local, listed, shown } = await twoVersions();
    expect((await schemas("register", ...WHY)).stdout).toBe("everything is registered already\n");
    local(city, { ...day, default: 0 });
    const dry = await schemas("register", "--dry-run");
    expect(dry.stdout).toBe(
      "event.avsc: version 2 → 3 of events-value\n  + Event.day: int, default 0\nnothing was changed: this was a dry run\n",
    );
    expect(await schemas("register", "--why", "x")).toMatchObject({ code: 4 });
    expect((await listed())[0].versions).toHaveLength(2);
    expect((await schemas("register", "events", ...WHY)).stdout).toBe("registered event.avsc as events-value, id 3\n");
    expect((await listed())[0]).toMatchObject({ status: "latest", versions: [{}, {}, { version: 3, id: 3 }] });
    expect((await shown("audit")).at(-1)).toMatchObject({
      ...{ action: "schemas register", target: "events-value", outcome: "done" },
      ...{ before: [{ version: 2 }], after: [{ version: 3 }] },
    });
  });

  it("works as a guest of a process that runs jobs", async () => {
    const { start, listed, checked, shown } = await twoVersions();
    const running = start("job.ts");
    await expect.poll(async () => (await shown("jobs"))[0]?.group, { timeout: 60_000 }).toBe("settled");
    expect((await listed())[0]).toMatchObject({ subject: "events-value", compatibility: "BACKWARD" });
    expect(await checked("events", "--scan")).toMatchObject({ code: 0 });
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  it("says what is wrong with files, folders and topics", async () => {
    const { schemas, command, file } = await twoVersions();
    expect((await schemas("check", "nothing")).stderr).toContain(
      'no .avsc file in . is about the topic "nothing": there is events [SCHEMA_FILE_MISSING]',
    );
    expect((await command("schemas", "check", "--schemas", "nowhere")).stderr).toContain("[FILE_MISSING]");
    expect((await schemas("ls", "-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
    file("broken.avsc", "{");
    expect((await schemas("check")).stderr).toMatch(/broken.avsc: it is not JSON.*\[SCHEMA_FILE\]/);
  });

  it.each([
    [["schemas", "diff", "--against", "0"], "whole number from 1"],
    [["schemas", "shut"], "too many arguments"],
  ])("refuses wrong usage with 2: %j", async (args, text) => {
    const { code, stderr } = await mulgil(args, { cwd: temporaryFolder() });
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});
