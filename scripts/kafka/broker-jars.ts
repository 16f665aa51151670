import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const POM = path.join(import.meta.dirname, "pom.xml");
/** The last line of Apicurio that runs on the broker's JDK: 3.x needs JDK 21. */
const REGISTRY = { artifact: "io.apicurio:apicurio-registry-app", version: "2.6.13.Final" } as const;
const DOWNLOAD_MAX_MS = 600_000;

/** The folder with the broker's jars, fetched from Maven Central when it is missing. */
export async function brokerJars(cache: string): Promise<string> {
  return await fetched(path.join(cache, `kafka-${await kafkaVersion()}`), async (folder) => {
    const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
    await maven(["-f", POM, ...goal]);
  });
}

/** The folder with the jar of Kafka's command-line tools, which need those of the broker beside it. */
export async function toolsJar(cache: string): Promise<string> {
  const version = await kafkaVersion();
  return await fetched(path.join(cache, `kafka-tools-${version}`), async (folder) => {
    const artifact = `org.apache.kafka:kafka-tools:${version}`;
    await maven(["dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  });
}

const kafkaVersion = async (): Promise<string> =>
  /<kafka\.version>(.+)<\/kafka\.version>/.exec(await readFile(POM, "utf8"))![1]!;

/** The jar of an Apicurio registry, fetched from Maven Central when it is missing. */
export async function registryJar(cache: string): Promise<string> {
  const { artifact, version } = REGISTRY;
  const folder = await fetched(path.join(cache, `apicurio-registry-${version}`), async (folder) => {
    await maven(["dependency:copy", `-Dartifact=${artifact}:${version}:tar.gz:all`, `-DoutputDirectory=${folder}`]);
    const archive = path.join(folder, `apicurio-registry-app-${version}-all.tar.gz`);
    await run("tar", ["-xzf", archive, "-C", folder]);
    await rm(archive);
  });
  return path.join(folder, `apicurio-registry-app-${version}-runner.jar`);
}

/** Fills a folder beside and renames it, so that a folder that is there is complete. */
async function fetched(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  await mkdir(path.dirname(folder), { recursive: true });
  const partial = await mkdtemp(`${folder}-`);
  try {
    await fill(partial);
    if (!existsSync(folder)) await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

async function maven(args: readonly string[]): Promise<void> {
  try {
    await run("mvn", ["-q", "-B", "-ntp", ...args], { timeout: DOWNLOAD_MAX_MS, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    throw new Error(
      "Maven could not fetch the jars; is mvn installed, and Maven Central (or a mirror of it) reachable? Where Docker runs, docker compose -f scripts/kafka/compose.yaml up --wait does the same",
      {
        cause: error,
      },
    );
  }
}
