import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Clock } from "../../runtime/time/clock.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type Institutions, startInstitutions } from "../../scripts/institutions/start-institutions.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { mulgil, objectsIn } from "../cli/support/mulgil.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const DAY_MS = 86_400_000;
const JOBS = ["plan-collection", "collect", "classify", "analyse", "profile", "terminate"].map(
  (name) => `jobs/mydata/${name}.ts`,
);
const CUSTOMERS = Array.from({ length: 30 }, (_, index) => `customer-${index}`);
const INSTITUTIONS = [
  { id: "bank-01", industry: "bank", behaviour: { errors: { serverErrorRate: 0.03 } } },
  { id: "card-01", industry: "card" },
  { id: "insu-01", industry: "insu" },
] as const;
const RESOURCES = ["accounts", "balances", "transactions", "cards", "approvals", "policies", "premiums"];

/** What jobs write as of when they wrote it; the rest is the same wherever and whenever they run. */
const TIMES = /(At|Since|AsOf)$/;

describe.skipIf(!isPossible)("the MyData system", () => {
  const nowMs = systemClock.now();
  /** Institutions have the same data for both runs. */
  const frozen: Clock = { ...systemClock, now: () => nowMs };
  let home: string;
  let kafka: RunningKafka;
  let registry: RunningRegistry;

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-mydata-kafka-"));
    kafka = await startTestKafka({});
    registry = await startRegistry({ dir: path.join(home, "registry") });
  }, 240_000);
  afterAll(async () => {
    await registry?.stop();
    await kafka?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it("comes to the same profiles and analyses on Kafka and on the embedded log", async () => {
    const embedded = await collected("embedded", ["--data-dir", path.join(home, "embedded")], []);
    const onKafka = ["--kafka", kafka.bootstrap, "--registry", registry.url];
    const distributed = await collected("kafka", onKafka, ["--data-dir", path.join(home, "kafka"), "--workers", "2"]);
    expect([...embedded.profiles.keys()].sort()).toEqual([...CUSTOMERS].sort());
    expect(embedded.analyses.size).toBe(CUSTOMERS.length);
    expect(distributed.profiles).toEqual(embedded.profiles);
    expect(distributed.analyses).toEqual(embedded.analyses);
    for (const profile of embedded.profiles.values())
      expect(profile).toMatchObject({ outstanding: 0, completeInstitutions: INSTITUTIONS.length });
  }, 400_000);

  /** Runs the whole system on a log that is empty, from the command line. */
  async function collected(name: string, log: readonly string[], running: readonly string[]) {
    const institutions = await startInstitutions({ clock: frozen, seed: 11, institutions: INSTITUTIONS });
    try {
      const env = { MYDATA_INSTITUTIONS: table(name, institutions) };
      await written("mydata.consents", consents(), log);
      await written("mydata.user-events", clicks(), log);
      // Profiles and analyses are published half a second behind what changes them, by a timer on the wall, which nobody waits for who waits for idleness: the second
      // run finds it due.
      for (const _run of ["all that there is to do", "what was put off"]) {
        const run = await mulgil(["run", ...JOBS, ...log, ...running, "--until-idle"], { env });
        expect(run).toMatchObject({ code: 0 });
      }
      for (const { id } of INSTITUTIONS)
        expect(institutions.stats(id).deliveries).toMatchObject({ repeated: 0, forgotten: 0 });
      return { profiles: await latest("mydata.profiles", log), analyses: await latest("mydata.analyses", log) };
    } finally {
      await institutions.close();
    }
  }

  function table(name: string, institutions: Institutions): string {
    const file = path.join(home, `${name}.json`);
    const entries = INSTITUTIONS.map(({ id, industry }) => ({ id, industry, baseUrl: institutions.url(id) }));
    writeFileSync(file, JSON.stringify(entries));
    return file;
  }

  const consents = () =>
    CUSTOMERS.map((customerId) => ({
      customerId,
      changedAt: nowMs - 2_000,
      grants: INSTITUTIONS.map(({ id }) => ({
        ...{ institution: id, resources: RESOURCES, authorizationCode: customerId },
        ...{ grantedAt: nowMs - 2_000, expiresAt: nowMs + 300 * DAY_MS },
      })),
    }));

  const clicks = () =>
    CUSTOMERS.map((customerId, index) => ({
      ...{ eventId: `event-${index}`, customerId, page: "member", action: "logIn", institutions: [] },
      occurredAt: nowMs - 1_000,
    }));

  async function written(topic: string, values: readonly object[], log: readonly string[]): Promise<void> {
    const stdin = values.map((value) => JSON.stringify(value)).join("\n");
    expect(await mulgil(["write", topic, ...log, "--file", "-"], { stdin })).toMatchObject({ code: 0 });
  }

  /** The last value of each key, without the times at which jobs wrote it. */
  async function latest(topic: string, log: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const { stdout } = await mulgil(["read", topic, ...log]);
    const records = objectsIn<{ key: string; value: unknown }>(stdout);
    return new Map(records.map(({ key, value }) => [key, JSON.parse(JSON.stringify(value, withoutTimes))]));
  }
});

const withoutTimes = (field: string, value: unknown): unknown =>
  TIMES.test(field) && value !== null ? "some time" : value;
