import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditRecord } from "../../runtime/ops/audit.ts";
import { startRegistry } from "../../scripts/kafka/start-registry.ts";
import type { FoundEntries, FoundEntry } from "../../scripts/state/found-entries.ts";
import type { StoreSize } from "../../scripts/state/sizes.ts";
import type { VerifiedStore } from "../../scripts/state/verified-store.ts";
import type { JobView } from "../../scripts/status/job-view.ts";
import { objectsIn } from "../cli/support/mulgil.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";
import { CountingProject, type Surroundings } from "./counting-project.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const EVENTS = 10_000;
const KEYS = Array.from({ length: 50 }, (_, at) => `key-${at}`);
const patience = { timeout: 120_000, interval: 500 };

describe.skipIf(!isPossible)("mulgil state on Kafka", () => {
  let home: string;
  let surroundings: Surroundings;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-state-"));
    const kafka = await startTestKafka({});
    surroundings = { kafka, registry: await startRegistry({ dir: path.join(home, "registry") }) };
  }, 240_000);
  afterAll(async () => {
    await surroundings?.registry.stop();
    await surroundings?.kafka.stop();
    rmSync(home, { recursive: true, force: true });
  }, 60_000);

  it("finds the owner of a key, whichever process it is, before and after one is killed, and the stores are right", {
    timeout: 480_000,
  }, async () => {
    const project = new CountingProject("owners", surroundings);
    const asked = askedOf(project);
    await project.write(EVENTS);
    const running = project.run("--workers", "2");
    const before = await asked.untilSettled();
    expect(new Set(before.workers.map(({ pid }) => pid)).size).toBe(2);
    await asked.expectCounts(EVENTS);
    await asked.expectVerified();
    await asked.expectStrangersToBeTold();

    const [, killed] = before.workers;
    await asked.expectSilenceToBeTold(before, killed!.memberId);
    process.kill(killed!.pid!, "SIGKILL");
    await project.write(EVENTS);
    await asked.untilAllAnswer();
    await asked.untilSettled();
    await asked.expectCounts(2 * EVENTS);
    await asked.expectVerified();

    await project.tagKeys();
    await asked.untilHidden();
    await asked.expectRevealed();

    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(await asked.get("key-7")).toMatchObject({ code: 1, stdout: "" });
    expect((await asked.get("key-7")).stderr).toContain("[STATE_JOB_STOPPED]");
    const hidden = JSON.parse((await asked.get("key-7", "--from-changelog")).stdout) as FoundEntries;
    expect(hidden).toMatchObject({ entries: [{ key: "key-7", value: "***masked***", masked: ["value"] }] });
    for (const key of ["key-7", "key-8"]) {
      const revealed = await asked.get(key, "--from-changelog", "--reveal", "--why", "complaint 4712");
      const found = JSON.parse(revealed.stdout) as FoundEntries;
      expect(found).toMatchObject({ source: "changelog", entries: [{ key, value: { events: (2 * EVENTS) / 50 } }] });
    }
    await asked.expectVerified();
  });
});

/** `mulgil state`, as people type it beside a job that runs. */
function askedOf(project: CountingProject) {
  const { name } = project;
  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { code, stdout, stderr } = await project.command(...args, "-o", "json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout) as T;
  };
  const status = async () => (await json<JobView[]>("status"))[0];
  const get = (key: string, ...args: readonly string[]) =>
    project.command("state", "get", name, "counts", key, "-d", "data", "-o", "json", ...args);
  return {
    get,
    async untilSettled(): Promise<JobView> {
      await expect
        .poll(async () => await status(), patience)
        .toMatchObject({ status: "running", workers: [{ answers: true }, { answers: true }] });
      // What is left are the markers of transactions: a count says more.
      await expect.poll(async () => (await status())?.lag, patience).toBe(0);
      return (await status())!;
    },
    /** Who has neither a token nor the data directory sees names and sizes. */
    async expectStrangersToBeTold(): Promise<void> {
      const { code, stderr } = await project.command("state", "get", name, "counts", "key-7", "-d", "elsewhere");
      expect(code).toBe(1);
      expect(stderr).toMatch(/this needs a token.*\[STATE_OWNER_SILENT\]/);
      expect(await json<StoreSize[]>("state", "size", name, "-d", "elsewhere")).toHaveLength(4);
    },
    /** Of a worker that stands still. What the other one has is found all the same. */
    async expectSilenceToBeTold({ workers, tasks }: JobView, memberId: string): Promise<void> {
      const { pid } = workers.find((worker) => worker.memberId === memberId)!;
      const held = tasks.filter((task) => task.memberId === memberId).map(({ task }) => task);
      const entries = objectsIn<FoundEntry>(
        (await project.command("state", "scan", name, "counts", "--all", "-d", "data", "-o", "ndjson")).stdout,
      );
      const [its, others] = [true, false].map((own) => entries.find(({ task }) => held.includes(task) === own)!);
      process.kill(pid!, "SIGSTOP");
      try {
        const [silent, found] = await Promise.all([get(its!.key as string), get(others!.key as string)]);
        expect(silent).toMatchObject({ code: 1, stdout: "" });
        expect(silent.stderr).toMatch(
          new RegExp(
            `task ${its!.task}, to which the key belongs, does not answer: no answer within 5 s.*\\[STATE_OWNER_SILENT\\]`,
          ),
        );
        expect(found).toMatchObject({ code: 0, stderr: "" });
      } finally {
        process.kill(pid!, "SIGCONT");
      }
    },
    /** Until then each key has an answer, or it says why it has none. */
    async untilAllAnswer(): Promise<void> {
      for (let missing: readonly string[] = KEYS.slice(0, 8); missing.length > 0; ) {
        const outcomes = await Promise.all(missing.map(async (key) => ({ key, ...(await get(key)) })));
        for (const { code, stderr } of outcomes)
          if (code !== 0) expect(stderr).toMatch(/task \S+ .*does not answer: .+\[STATE_OWNER_SILENT\]\n$/);
        missing = outcomes.flatMap(({ key, code }) => (code === 0 ? [] : [key]));
      }
    },
    async expectCounts(events: number): Promise<void> {
      const { code, stdout } = await project.command(
        "state",
        "scan",
        name,
        "counts",
        "--all",
        "-d",
        "data",
        "-o",
        "ndjson",
      );
      expect(code).toBe(0);
      const entries = objectsIn<FoundEntry & { value: { events: number } }>(stdout);
      expect(Object.fromEntries(entries.map(({ key, value }) => [key, value.events]))).toEqual(
        Object.fromEntries(KEYS.map((key) => [key, events / KEYS.length])),
      );
      for (const { task, key, value } of [entries[0]!, entries.at(-1)!]) {
        const found = JSON.parse((await get(key as string)).stdout) as FoundEntries;
        expect(found).toMatchObject({ source: "store", entries: [{ task, key, value }] });
      }
      const sizes = await json<StoreSize[]>("state", "size", name, "-d", "data");
      expect(sizes.reduce((sum, { entries: counted }) => sum + counted!, 0)).toBe(KEYS.length);
    },
    /** The workers look at the registry by themselves. */
    async untilHidden(): Promise<void> {
      const shown = async () => {
        const { stdout } = await project.command("state", "scan", name, "counts", "-d", "data", "-o", "ndjson");
        return new Set(objectsIn<FoundEntry>(stdout).map(({ key, value }) => `${key} ${value}`));
      };
      await expect.poll(shown, patience).toEqual(new Set(["***masked*** ***masked***"]));
    },
    /** Each worker that is asked says so in the audit trail. */
    async expectRevealed(): Promise<void> {
      const why = "complaint 4711";
      const args = ["state", "scan", name, "counts", "--all", "-d", "data", "-o", "ndjson", "--reveal", "--why", why];
      const { stdout } = await project.command(...args);
      expect(new Set(objectsIn<FoundEntry>(stdout).map(({ key }) => key))).toEqual(new Set(KEYS));
      const lines = (await json<AuditRecord[]>("audit")).filter((line) => line.why === why);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        expect(line).toMatchObject({ action: "reveal", target: `job ${name}, store counts` });
        expect(line.by).toMatch(/^owner of the data directory \(says: .+@.+\)$/);
      }
    },
    async expectVerified(): Promise<void> {
      const verified = await json<VerifiedStore[]>("state", "verify", name, "-d", "data");
      expect(verified.length).toBeGreaterThanOrEqual(4);
      for (const { report } of verified) expect(report).toMatchObject({ status: "compared", differing: 0 });
    },
  };
}
