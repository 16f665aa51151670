import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { brokerJars, toolsJar } from "../../scripts/kafka/broker-jars.ts";
import { classPath, withKeptClasses } from "../../scripts/kafka/java.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { cacheFolder, jdkProgram } from "../../scripts/kafka/variables.ts";
import { mulgil, objectsIn, startMulgil } from "../cli/support/mulgil.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";
import { AccessControl, type Right } from "./support/access-control.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const run = promisify(execFile);
const ACL_COMMANDS = path.join(import.meta.dirname, "support", "AclCommands.java");
const RECORDER = '#!/bin/sh\nfor argument; do printf "%s\\t" "$argument"; done >> "$COMMANDS"\necho >> "$COMMANDS"\n';
const PRINCIPAL = "User:mulgil";
/** Whoever comes in without a password may do everything. */
const AUTHORIZER = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
};
const START_MAX_MS = 240_000;
/** Records of repartition topics and tiers are purged every half a minute. */
const PURGED_MAX_MS = 120_000;

const EVENT = {
  ...{ type: "record", name: "Event", topic: "events", key: "id", partitions: 2 },
  fields: [
    { name: "id", type: "string" },
    { name: "city", type: "string" },
  ],
};

/** A key that changes, state without and with windows, a call that is tried again, and one that is in vain. */
const JOB = `
  import { count, defineJob, done, retry, type Schema, topic, tumbling, TerminalError } from "mulgil";
  const event = { avro: ${JSON.stringify(EVENT)} } as Schema<{ readonly id: string; readonly city: string }>;
  const total = { avro: { type: "record", name: "Total", fields: [{ name: "events", type: "long" }] } } as Schema<{ events: number }>;
  const flow = (from) => {
    const events = from(topic("events", { value: event, key: "id" }));
    const byCity = events.keyBy(({ city }) => city);
    byCity.aggregate("cities", { events: count() }).to(topic("cities", { value: total, keyType: "string" }));
    byCity.window(tumbling("1 hour", { grace: "1 hour" })).aggregate("hourly", { events: count() })
      .to(topic("hourly", { value: total, keyType: "string" }));
  };
  export const counting = defineJob({ name: "counting", version: 1, commitEvery: "100 ms", flow });
  export const calling = defineJob({
    name: "calling", version: 1, commitEvery: "100 ms",
    flow(from) {
      from(topic("events", { value: event, key: "id" }))
        .call("ask", {
          resource: () => "bank", orderKey: ({ id }) => id, tiers: ["1 second"],
          handler: ({ id }, { attempt }) => {
            if (id === "poison") throw new TerminalError("it never will");
            return attempt === 1 ? retry("not yet") : done({ id, city: "asked" });
          },
        })
        .to(topic("answers", { value: event, key: "id" }));
    },
  });
`;

describe.skipIf(!isPossible)("mulgil acl print, on a broker with access control", { timeout: 600_000 }, () => {
  let home: string;
  let kafka: RunningKafka;
  let registry: RunningRegistry;
  let admin: KafkaLog;
  let rights: AccessControl;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), "mulgil-acl-"));
    writeFileSync(path.join(home, "job.ts"), JOB);
    writeFileSync(path.join(home, "event.avsc"), JSON.stringify(EVENT));
    kafka = await startTestKafka({ sasl: true, overrides: AUTHORIZER });
    writeFileSync(path.join(home, "password"), kafka.sasl!.password, { mode: 0o600 });
    registry = await startRegistry({ dir: path.join(home, "registry") });
    admin = new KafkaLog({ connection: { brokers: [kafka.bootstrap] } });
    rights = await AccessControl.open(kafka.bootstrap, PRINCIPAL);
    // Takes down what the shell has made of the printed commands; one JVM then runs all of them.
    writeFileSync(path.join(home, "kafka-acls.sh"), RECORDER, { mode: 0o700 });
  }, START_MAX_MS);
  afterAll(async () => {
    await rights?.close();
    await admin?.close();
    await registry?.stop();
    await kafka?.stop();
    if (home !== undefined) await rm(home, { recursive: true });
  }, 60_000);

  /** As an administrator, or as the one who is granted what was printed. */
  const environment = (who: "admin" | "job") => ({
    MULGIL_REGISTRY: registry.url,
    ...(who === "admin"
      ? { MULGIL_KAFKA: kafka.bootstrap }
      : {
          MULGIL_KAFKA: kafka.sasl!.bootstrap,
          MULGIL_KAFKA_CA_FILE: kafka.sasl!.caFile,
          MULGIL_KAFKA_SASL: "plain",
          MULGIL_KAFKA_USER: kafka.sasl!.username,
          MULGIL_KAFKA_PASSWORD_FILE: path.join(home, "password"),
        }),
  });
  const asAdmin = async (...args: readonly string[]) => {
    const outcome = await mulgil(args, { cwd: home, env: environment("admin") });
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    return outcome.stdout;
  };
  const start = (...args: readonly string[]) =>
    startMulgil(["run", "job.ts", "-d", "data", ...args], { cwd: home, env: environment("job") });
  async function write(...ids: readonly string[]): Promise<void> {
    const stdin = ids.map((id) => JSON.stringify({ id, city: `city-${id.length}` })).join("\n");
    const args = ["write", "events", "-f", "-", "--schemas", "."];
    expect(await mulgil(args, { cwd: home, stdin, env: environment("admin") })).toMatchObject({ code: 0 });
  }
  /** Runs commands as an administrator would, with Kafka's own tool. */
  async function shell(script: string): Promise<void> {
    const commands = path.join(home, "commands");
    writeFileSync(commands, "");
    const PATH = `${home}:${process.env["PATH"]}`;
    await run("sh", ["-ec", script], {
      env: { ...process.env, PATH, BOOTSTRAP_SERVER: kafka.bootstrap, COMMANDS: commands },
    });
    const jars = await brokerJars(cacheFolder);
    await run(jdkProgram("java"), [
      ...withKeptClasses(jars),
      ...["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"],
      ...["-cp", classPath(jars, await toolsJar(cacheFolder)), ACL_COMMANDS, commands],
    ]);
  }
  const startOf = async (topic: string) =>
    (
      await admin.listOffsets(
        [0, 1].map((partition) => ({ topic, partition })),
        "earliest",
        "read_committed",
      )
    ).reduce((sum, { offset }) => sum + offset, 0);

  it("prints what lets a job run with state, repartitions, retry tiers and dead letters, and is allowed nothing before", async () => {
    await write("a", "bb", "cc", "poison");
    const refused = await start("--until-idle").ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("[LOG_NOT_AUTHORIZED]");
    await shell(await asAdmin("acl", "print", "job.ts", "--principal", PRINCIPAL));

    const running = start();
    const answers = async () =>
      objectsIn<{ value: { city: string } }>(await asAdmin("read", "answers")).map(({ value }) => value.city);
    await expect.poll(async () => (await admin.describeTopics()).length, { timeout: 60_000 }).toBeGreaterThan(10);
    await expect.poll(answers, { timeout: 60_000, interval: 1_000 }).toEqual(["asked", "asked", "asked"]);
    const dead = await asAdmin("read", "calling.dlq");
    expect(objectsIn<{ key: string }>(dead)).toHaveLength(1);
    for (const topic of ["counting.cities.repartition", "calling.ask.retry.1second"])
      await expect.poll(() => startOf(topic), { timeout: PURGED_MAX_MS, interval: 1_000 }).toBeGreaterThan(0);
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });

    // The disk is gone: state comes back from the changelogs.
    await rm(path.join(home, "data"), { recursive: true });
    await write("dd");
    expect(await start("--until-idle").ended).toMatchObject({ code: 0, stderr: "" });
    const last = new Map(
      objectsIn<{ key: string; value: { events: number } }>(
        await asAdmin("read", "cities", "--key-type", "string"),
      ).map(({ key, value }) => [key, value.events]),
    );
    expect(Object.fromEntries(last)).toEqual({ "city-1": 1, "city-2": 3, "city-6": 1 });
  });

  /** Whether the job ends by itself, with an error that names what it may not use. */
  async function expectRefusal(right: Right, ...args: readonly string[]): Promise<void> {
    await write("e");
    await rights.take(right);
    try {
      const { code, stderr } = await start(...args).ended;
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/\[(LOG_NOT_AUTHORIZED|TOPIC_MISSING)\]\n$/),
      });
      expect(stderr).toContain(right.name);
    } finally {
      await rights.give(right);
    }
  }

  it.each([
    { operation: "Read", type: "topic", name: "events" },
    { operation: "DescribeConfigs", type: "topic", name: "cities" },
    { operation: "Write", type: "topic", name: "cities" },
    { operation: "Write", type: "topic", name: "counting.cities.changelog" },
    { operation: "Read", type: "topic", name: "counting.cities.repartition" },
    { operation: "Read", type: "topic", name: "mulgil.plans" },
    { operation: "Read", type: "group", name: "counting" },
    { operation: "Write", type: "transactionalId", name: "counting/" },
  ] as const)("prints nothing that the job could do without: $operation $name", { timeout: 180_000 }, async (right) => {
    await expectRefusal(right, "--until-idle");
  });

  it("prints nothing that the job could do without: the right to purge what was read", {
    timeout: 180_000,
  }, async () => {
    await expectRefusal({ operation: "Delete", type: "topic", name: "counting.cities.repartition" });
  });

  it("prints enough for all that was refused to be made up for", { timeout: 180_000 }, async () => {
    expect(await start("--until-idle").ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("leaves the making of topics out with --topics verify, and what was deployed in with --deployed", async () => {
    await asAdmin("deploy", "job.ts", "--why", "a test", "--yes");
    expect((await start("--until-idle", "--deployed", "--topics", "verify").ended).stderr).toContain(
      "[DEPLOY_MISSING]",
    );
    const args = ["--principal", PRINCIPAL, "--topics", "verify", "--deployed"];
    const printed = await asAdmin("acl", "print", "counting", "calling", ...args);
    expect(printed).not.toMatch(/Create|AlterConfigs/);
    await rights.take();
    await shell(printed);
    await write("f");
    expect(await start("--until-idle", "--deployed", "--topics", "verify").ended).toMatchObject({
      code: 0,
      stderr: "",
    });
  });
});
