import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { brokerJars, registryJar } from "../../scripts/kafka/broker-jars.ts";
import { type RunningKafka, type StartKafkaOptions, startKafka } from "../../scripts/kafka/start-kafka.ts";
import { cacheFolder } from "../../scripts/kafka/variables.ts";

/** For a process that lives for a minute: compiled once, fast, and never better. */
const QUICK = "-XX:TieredStopAtLevel=1";

/** A broker for the tests of one file, or why there is none. */
export type BrokerForTests =
  | { readonly isThere: true; readonly bootstrap: string; stop(): Promise<void> }
  | { readonly isThere: false; readonly why: string };

/**
 * The broker that MULGIL_KAFKA names, or one that is started for the file. Without either, tests are skipped with a line that says so; with
 * CI=true that is an error.
 */
export async function brokerForTests(): Promise<BrokerForTests> {
  const given = process.env["MULGIL_KAFKA"];
  if (given !== undefined) return { isThere: true, bootstrap: given, stop: async () => undefined };
  const why = await whyNot(() => brokerJars(cacheFolder));
  if (why !== undefined) return { isThere: false, why };
  const kafka = await startTestKafka({});
  return { isThere: true, bootstrap: kafka.bootstrap, stop: () => kafka.stop() };
}

/** For tests that need brokers of their own: to kill them, or with other listeners. */
export async function canStartKafka(): Promise<boolean> {
  return (await whyNot(() => brokerJars(cacheFolder))) === undefined;
}

export async function canStartRegistry(): Promise<boolean> {
  return (await whyNot(() => registryJar(cacheFolder))) === undefined;
}

async function whyNot(attempt: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    console.warn(`skipped, for Kafka cannot be had here: ${why}`);
    return why;
  }
}

/** A cluster with a folder of its own, which goes when it stops. */
export async function startTestKafka(options: Omit<StartKafkaOptions, "dir">): Promise<RunningKafka> {
  const dir = await mkdtemp(path.join(os.tmpdir(), "mulgil-kafka-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const kafka = await startKafka({ ...options, dir, javaOptions: [QUICK, ...(options.javaOptions ?? [])] });
    return {
      ...kafka,
      get pids() {
        return kafka.pids;
      },
      async stop() {
        await kafka.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
