import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startRegistry } from "../../scripts/kafka/start-registry.ts";
import { mulgil, objectsIn, startMulgil } from "../cli/support/mulgil.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";
import type { Surroundings } from "./counting-project.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const PARTITIONS = 4;
const TEST_MAX_MS = 300_000;
const SOON = { timeout: 120_000, interval: 500 };
const SURE = ["--yes", "--why", "tried"];

interface ShownJob {
  readonly job: string;
  readonly status: string;
  readonly lag: number;
  readonly workers: readonly { readonly memberId: string; readonly pid: number }[];
}

describe.skipIf(!isPossible)("orders to jobs on Kafka", () => {
  let home: string;
  let surroundings: Surroundings;
  beforeAll(async () => {
    home = mkdtempSync(path.join(os.tmpdir(), "mulgil-control-"));
    const kafka = await startTestKafka({});
    surroundings = { kafka, registry: await startRegistry({ dir: path.join(home, "registry") }) };
  }, TEST_MAX_MS);
  afterAll(async () => {
    await surroundings?.registry.stop();
    await surroundings?.kafka.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it(
    "pause with membership kept, resume, drain one job while the other goes on, and restart one worker after the other, in two processes",
    async () => {
      const { start, write, command, shown, copies, numbers, one, two } = await project("orders", surroundings);
      await write(400);
      await start("a");
      await start("b");
      await expect.poll(async () => (await shown(one)).workers.length, SOON).toBe(2);
      await expect.poll(async () => (await shown(one)).lag, SOON).toBe(0);
      const members = async () => (await shown(one)).workers.map(({ memberId }) => memberId).sort();
      const before = await members();

      expect(await command("pause", one, ...SURE)).toMatchObject({
        ...{ code: 0, stdout: `${one} is paused: 2 workers in 2 processes\n` },
      });
      await write(100);
      await expect.poll(async () => (await shown(one)).lag, SOON).toBe(100);
      await expect.poll(async () => (await shown(two)).lag, SOON).toBe(0);
      await write(100);
      await expect.poll(async () => (await shown(one)).lag, SOON).toBe(200);
      expect(await shown(one)).toMatchObject({ status: "paused" });
      expect(await members()).toEqual(before);
      expect(await copies(one)).toHaveLength(400);

      expect((await command("resume", one, ...SURE)).code).toBe(0);
      await expect.poll(async () => (await shown(one)).lag, SOON).toBe(0);
      expect(await members()).toEqual(before);

      expect(await command("drain", one, "--timeout", "20s", ...SURE)).toMatchObject({
        ...{ code: 0, stdout: `${one} is drained: 2 workers in 2 processes\n` },
      });
      await write(100);
      await expect.poll(async () => (await shown(two)).lag, SOON).toBe(0);
      expect(await shown(one)).toMatchObject({ status: "drained", workers: [], lag: 100 });
      expect((await command("resume", one, ...SURE)).code).toBe(0);

      const drained = await members();
      expect(drained).toHaveLength(2);
      await write(100);
      expect(await command("restart", one, ...SURE)).toMatchObject({
        ...{ code: 0, stdout: `${one} is restarted: 2 workers in 2 processes\n` },
      });
      await expect.poll(members, SOON).toHaveLength(2);
      expect((await members()).filter((id) => drained.includes(id))).toEqual([]);
      for (const job of [one, two]) await expect.poll(() => copies(job), SOON).toEqual(numbers());
    },
    TEST_MAX_MS,
  );

  it(
    "name the process that does not answer",
    async () => {
      const { start, command, shown, one } = await project("silent", surroundings);
      await start("a");
      const stuck = await start("b");
      await expect.poll(async () => (await shown(one)).workers.length, SOON).toBe(2);
      stuck.process.kill("SIGSTOP");
      const { code, stderr } = await command("pause", one, "--timeout", "3s", ...SURE);
      stuck.process.kill("SIGCONT");
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(
          `not all workers of job "${one}" have carried out the order within 3 s: ${os.hostname()}:${stuck.process.pid} \\(1 running\\)\\. .* \\[CONTROL_TIMEOUT\\]\\n$`,
        ),
      );
      // The order stands, and it reads it now.
      await expect.poll(async () => (await shown(one)).status, SOON).toBe("paused");
    },
    TEST_MAX_MS,
  );

  it(
    "scale worker processes from one to three and to two, and give each record once",
    async () => {
      const { start, write, command, shown, copies, numbers, one, two } = await project("scaled", surroundings);
      await write(200);
      const run = await start("a", "--workers", "1", "--supervise");
      const processes = async () => new Set((await shown(one)).workers.map(({ pid }) => pid)).size;
      await expect.poll(processes, SOON).toBe(1);
      const up = await command("scale", one, "3", ...SURE);
      expect(up).toMatchObject({ code: 0, stdout: `${one} on ${os.hostname()}: 3 workers\n` });
      expect(up.stderr).toMatch(
        / under supervisor \d+: 1 → 3 worker processes, each of which runs all of these jobs\n/,
      );
      await expect.poll(processes, SOON).toBe(3);
      await write(200);
      const down = await command("scale", "--all", "2", ...SURE);
      expect(down.code, down.stderr).toBe(0);
      await expect.poll(processes, SOON).toBe(2);
      await write(200);
      for (const job of [one, two]) await expect.poll(() => copies(job), SOON).toEqual(numbers());
      run.process.kill("SIGTERM");
      expect(await run.ended).toMatchObject({ code: 0, stderr: "" });
    },
    TEST_MAX_MS,
  );

  it(
    "say that a process without a supervisor cannot be scaled",
    async () => {
      const { start, command, shown, one } = await project("alone", surroundings);
      await start("a");
      await expect.poll(async () => (await shown(one)).workers.length, SOON).toBe(1);
      const { code, stderr } = await command("scale", one, "2", ...SURE);
      expect(code).toBe(1);
      expect(stderr).toMatch(/process \d+ is one worker under no supervisor.*--supervise.*\[SCALE_UNSUPERVISED\]\n$/);
      expect((await shown(one)).workers).toHaveLength(1);
    },
    TEST_MAX_MS,
  );
});

/** Two jobs that copy the events of one topic; each name is the project's own. */
async function project(name: string, { kafka, registry }: Surroundings) {
  const cwd = mkdtempSync(path.join(os.tmpdir(), "mulgil-control-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const [one, two] = [`${name}-one`, `${name}-two`];
  writeFileSync(path.join(cwd, "event.avsc"), JSON.stringify(eventSchema(name)));
  for (const job of [one, two]) writeFileSync(path.join(cwd, `${job}.ts`), jobSource(name, job));
  const onKafka = (...args: readonly string[]) => [
    ...args,
    ...["--kafka", kafka.bootstrap, "--registry", registry.url],
  ];
  const command = (...args: readonly string[]) => mulgil(onKafka(...args), { cwd });
  let written = 0;
  const write = async (records: number) => {
    const lines = Array.from({ length: records }, () =>
      JSON.stringify({ key: `key-${written % 20}`, number: written++ }),
    );
    const { code, stderr } = await mulgil(onKafka("write", `${name}.events`, "-f", "-", "--schemas", "."), {
      ...{ cwd, stdin: lines.join("\n") },
    });
    if (code !== 0) throw new Error(stderr);
  };
  return {
    ...{ one, two, command },
    numbers: () => Array.from({ length: written }, (_, number) => number),
    write,
    /** One after the other: what the first one makes the next one finds. */
    async start(folder: string, ...args: readonly string[]) {
      if (written === 0) await write(1);
      const run = startMulgil(onKafka("run", `${one}.ts`, `${two}.ts`, "-d", folder, "--log-format", "json", ...args), {
        cwd,
      });
      await run.until(({ stdout }) => [one, two].every((job) => isAssigned(stdout, job)));
      return run;
    },
    async shown(job: string): Promise<ShownJob> {
      const { stdout } = await command("status", "-o", "json");
      const found = (JSON.parse(stdout === "" ? "[]" : stdout) as readonly ShownJob[]).find((each) => each.job === job);
      return found ?? { job, status: "unknown", lag: -1, workers: [] };
    },
    async copies(job: string): Promise<readonly number[]> {
      const { stdout } = await command("read", `${job}.copies`);
      return objectsIn<{ readonly value: { readonly number: number } }>(stdout)
        .map(({ value }) => value.number)
        .sort((left, right) => left - right);
    },
  };
}

/** The last line may not be complete yet. */
const isAssigned = (stdout: string, job: string): boolean =>
  objectsIn<{ readonly message: string; readonly job?: string }>(stdout.slice(0, stdout.lastIndexOf("\n") + 1)).some(
    (line) => line.message === "assigned" && line.job === job,
  );

const eventSchema = (name: string) => ({
  ...{ type: "record", name: "Event", topic: `${name}.events`, key: "key", partitions: PARTITIONS },
  fields: [
    { name: "key", type: "string" },
    { name: "number", type: "long" },
  ],
});

const jobSource = (name: string, job: string) => `
  import { defineJob, type Schema, topic } from "mulgil";
  const event = { avro: ${JSON.stringify(eventSchema(name))} } as Schema<{ readonly key: string; readonly number: number }>;
  export default defineJob({
    name: "${job}",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      from(topic("${name}.events", { value: event, key: "key" })).to(topic("${job}.copies", { value: event, key: "key" }));
    },
  });
`;
