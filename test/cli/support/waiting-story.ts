import { expect } from "vitest";
import type { FetchesProject } from "./fetches-project.ts";

const patience = { timeout: 120_000, interval: 500 };
const confirmed = ["--yes", "--why", "a test"] as const;

/** What waits is shown, released before its time for one bank, then for one customer, and ended for the rest; orders are obeyed by the running job. */
export async function expectWaitingStory(project: FetchesProject): Promise<void> {
  const fetch = (id: string, bank: string) => ({ id, customer: id[0]!, bank });
  await project.write(
    ...["a1", "a2", "a3", "b1"].map((id) => fetch(id, "one")),
    ...["c1", "c2", "d1", "e1", "e2"].map((id) => fetch(id, "two")),
  );
  const job = project.start();
  const waiting = async () =>
    (await project.shown<{ resource: string; records: number }>("retries", "ls")).map(
      ({ resource, records }) => [resource, records] as const,
    );
  await expect
    .poll(async () => new Map(await waiting()), patience)
    .toEqual(
      new Map([
        ["one", 2],
        ["two", 3],
      ]),
    );
  await expect.poll(async () => (await project.shown("held", "ls")).length, patience).toBe(3);
  await expectShown(project);

  project.bringUp("one", "two");
  const released = await project.command("retries", "release", "fetching", "--institution", "one", ...confirmed);
  expect(released).toMatchObject({
    code: 0,
    stdout: "ordered; workers of fetching obey within seconds, or when they start\n",
    stderr: expect.stringContaining(
      "2 records in tiers would be called for now; 2 are held behind some, and follow in order",
    ),
  });
  const fetched = async () => (await project.fetched()).toSorted().join(" ");
  await expect.poll(fetched, patience).toBe("a1 a2 a3 b1");
  expect((await project.fetched()).filter((id) => id.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
  expect(await waiting()).toEqual([["two", 3]]);

  const [held] = await project.shown<{ key: string; held: number }>("held", "ls", "--key", "c@two");
  expect(held).toMatchObject({ held: 1 });
  await project.command("retries", "release", "fetching", "--key", held!.key, ...confirmed);
  await expect.poll(fetched, patience).toBe("a1 a2 a3 b1 c1 c2");

  const ended = await project.command("retries", "expire", "fetching", "--institution", "two", ...confirmed);
  expect(ended.stderr).toContain(
    "2 records in tiers would become dead letters; 1 that are held stay, and follow in order",
  );
  await expect.poll(fetched, patience).toBe("a1 a2 a3 b1 c1 c2 e2");
  const letters = await project.shown<{ code: string; value: { id: string }; message: string }>(
    "dlq",
    "show",
    "fetching",
  );
  expect(letters.map(({ value }) => value.id).toSorted()).toEqual(["d1", "e1"]);
  expect(letters[0]).toMatchObject({
    code: "CALL_EXPIRED_BY_HAND",
    message: expect.stringMatching(/^ended by .+@.+: a test$/),
    attempts: 1,
  });

  await project.command("dlq", "redrive", "fetching", ...confirmed);
  await expect.poll(fetched, patience).toBe("a1 a2 a3 b1 c1 c2 d1 e1 e2");
  expect((await project.command("retries")).stdout).toBe("nothing waits\n");
  expect((await project.command("held")).stdout).toBe("nothing waits\n");
  // On a cluster there may be changes of other jobs, too.
  const audit = (await project.shown("audit")).filter(({ target }) => target === "job fetching");
  expect(audit.filter(({ outcome }) => outcome === "done").map(({ action }) => action)).toEqual([
    ...["retries release", "retries release", "retries expire", "dlq redrive"],
  ]);
  expect(JSON.stringify(audit)).not.toContain("c@two");
  job.process.kill("SIGTERM");
  expect(await job.ended).toMatchObject({ code: 0 });
}

async function expectShown(project: FetchesProject): Promise<void> {
  expect(await project.shown("retries", "ls", "--institution", "two")).toMatchObject([
    {
      ...{ job: "fetching", step: "fetch", resource: "two", tier: "fetching.fetch.retry.1hour", delayMs: 3_600_000 },
      ...{ records: 3, attemptsMax: 1, since: expect.stringMatching(/Z$/), nextDue: expect.stringMatching(/Z$/) },
    },
  ]);
  const { stdout } = await project.command("retries");
  expect(stdout).toMatch(/^JOB +STEP +INSTITUTION +TIER +RECORDS +SINCE +NEXT DUE +LAST DUE +ATTEMPTS\n/);
  expect(stdout).toMatch(/\nfetching +fetch +two +1h +3 +\S+ +in (1h|60m|59m) +in (1h|60m|59m) +1\n/);
  const held = await project.shown("held", "ls");
  expect(held).toMatchObject([
    { resource: "one", key: expect.stringMatching(/^[0-9a-f]{12}$/), held: 2, headAt: "tier", headAttempts: 1 },
    { resource: "two", held: 1 },
    { resource: "two", held: 1 },
  ]);
  const table = await project.command("held", "ls", "--institution", "one");
  expect(table.stdout).toMatch(
    /^JOB +STEP +INSTITUTION +KEY +HELD +SINCE +BEHIND ONE IN +DUE +ATTEMPTS\nfetching +fetch +one +[0-9a-f]{12} +2 +\S+ +a tier +in \S+ +1\n$/,
  );
  expect(table.stdout + JSON.stringify(held)).not.toContain("a@one");
}
