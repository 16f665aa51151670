import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { type BrokerNode, brokerProperties, type SaslIdentity, type TlsIdentity } from "./broker-properties.ts";
import { classPath, withKeptClasses } from "./java.ts";
import { jdkProgram } from "./variables.ts";

const run = promisify(execFile);
const STOP_MAX_MS = 15_000;
const OUTPUT_SHOWN_LINES = 15;

export interface Installation {
  /** The folder with the broker's jars. */
  readonly jars: string;
  readonly clusterId: string;
  readonly tls: TlsIdentity | undefined;
  readonly sasl: SaslIdentity | undefined;
  readonly javaOptions: readonly string[];
}

/** Writes a node's configuration and prepares its data folder; a folder that is prepared already is left as it is. */
export async function prepareNode(
  node: BrokerNode,
  nodes: readonly BrokerNode[],
  installation: Installation,
  overrides: Readonly<Record<string, string>>,
): Promise<void> {
  const { jars, clusterId, tls, sasl } = installation;
  await mkdir(node.folder, { recursive: true });
  await writeFile(propertiesOf(node), brokerProperties(node, nodes, { tls, sasl, overrides }), { mode: 0o600 });
  const scram = (sasl === undefined ? [] : ["SCRAM-SHA-256", "SCRAM-SHA-512"]).flatMap((mechanism) => [
    "--add-scram",
    `${mechanism}=[name=${sasl!.username},password=${sasl!.password}]`,
  ]);
  const format = ["format", "--ignore-formatted", "-t", clusterId, "-c", propertiesOf(node), ...scram];
  const options = [...withKeptClasses(jars), "-XX:TieredStopAtLevel=1", "-cp", classPath(jars)];
  await run(jdkProgram("java"), [...options, "kafka.tools.StorageTool", ...format]);
}

/** Starts the process of a node; its output goes to a file beside its data. */
export function startNode(node: BrokerNode, { jars, javaOptions }: Installation, detached: boolean): ChildProcess {
  const output = openSync(outputOf(node), "a");
  const memory = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC"];
  const logging = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"];
  const options = [...memory, ...logging, ...withKeptClasses(jars), ...javaOptions];
  const child = spawn(jdkProgram("java"), [...options, "-cp", classPath(jars), "kafka.Kafka", propertiesOf(node)], {
    detached,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  return child;
}

/** Asks a node to end, and makes it end when it does not. */
export async function stopNode(child: ChildProcess, maxMs = STOP_MAX_MS): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  const impatient = setTimeout(() => child.kill("SIGKILL"), maxMs);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(impatient);
}

export async function killNode(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** The last lines that a node has written, for errors. */
export async function lastOutput(node: BrokerNode): Promise<string> {
  const lines = (await readFile(outputOf(node), "utf8").catch(() => "")).trimEnd().split("\n");
  return lines.slice(-OUTPUT_SHOWN_LINES).join("\n");
}

const propertiesOf = ({ folder }: BrokerNode): string => path.join(folder, "server.properties");
const outputOf = ({ folder }: BrokerNode): string => path.join(folder, "output.log");
