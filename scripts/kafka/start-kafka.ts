import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { awaitCluster } from "../../runtime/log/kafka/await-cluster.ts";
import { brokerJars } from "./broker-jars.ts";
import {
  hasEnded,
  type Installation,
  killNode,
  lastOutput,
  prepareNode,
  startNode,
  stopNode,
} from "./broker-process.ts";
import type { BrokerNode } from "./broker-properties.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { makeTlsIdentity } from "./tls-identity.ts";
import { cacheFolder } from "./variables.ts";

const READY_MAX_MS = 120_000;
const READY_LOOK_MS = 100;

export interface StartKafkaOptions {
  /** Brokers that are also controllers. @default 1 */
  readonly nodes?: number;
  /** Holds data, configuration and output; started again on the same folder, the cluster has its data and its addresses. */
  readonly dir: string;
  /** Adds listeners with a password over TLS. @default false */
  readonly sasl?: boolean;
  /** PEM file of an authority: adds listeners over TLS for clients that show a certificate of it. */
  readonly clientCaFile?: string;
  /** Of the brokers' Java, beside memory and logging. */
  readonly javaOptions?: readonly string[];
  /** Properties that replace those of broker-properties.ts. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Leaves the brokers running when this process ends. @default false */
  readonly detached?: boolean;
}

export interface SaslAccess {
  readonly bootstrap: string;
  readonly username: string;
  readonly password: string;
  /** The certificate that clients must trust. */
  readonly caFile: string;
}

export interface TlsAccess {
  readonly bootstrap: string;
  /** The certificate that clients must trust. */
  readonly caFile: string;
}

export interface RunningKafka {
  /** Addresses for clients, by commas. */
  readonly bootstrap: string;
  readonly sasl: SaslAccess | undefined;
  /** For clients with a certificate. */
  readonly mutualTls: TlsAccess | undefined;
  /** By node, which count from 1. */
  readonly pids: ReadonlyMap<number, number>;
  /** Stops all nodes; the data stays. Those that have not ended after some seconds are killed. */
  stop(maxMs?: number): Promise<void>;
  /** kill -9 of one node. */
  kill(node: number): Promise<void>;
  /** Stops a node cleanly if it runs, starts it on the same address, and returns when all nodes that run know it. */
  restart(node: number): Promise<void>;
}

/** What a cluster needs to come back as it was. */
interface ClusterFile {
  readonly clusterId: string;
  readonly password: string;
  readonly nodes: readonly Omit<BrokerNode, "folder">[];
}

/**
 * Starts Apache Kafka (KRaft) on the loopback interface, and returns when it answers a request for metadata with all its nodes.
 * @throws {Error} if the jars cannot be had, or a broker does not come up; with its last output
 */
export async function startKafka(options: StartKafkaOptions): Promise<RunningKafka> {
  const folder = path.resolve(options.dir);
  await mkdir(folder, { recursive: true });
  const jars = await brokerJars(cacheFolder);
  const cluster = await clusterFile(folder, options);
  const nodes = cluster.nodes.map((node) => ({ ...node, folder: path.join(folder, `node-${node.id}`) }));
  const identity = await tlsIdentity(folder, cluster.password, options);
  const { tls, caFile } = identity ?? {};
  const sasl = options.sasl === true ? { username: "mulgil", password: cluster.password } : undefined;
  const javaOptions = options.javaOptions ?? [];
  const installation: Installation = { jars, clusterId: cluster.clusterId, tls, sasl, javaOptions };
  for (const node of nodes) await prepareNode(node, nodes, installation, options.overrides ?? {});
  const running = new Nodes(nodes, installation, options.detached ?? false);
  for (const { id } of nodes) running.start(id);
  await running.ready();
  return {
    bootstrap: addresses(nodes.map(({ port }) => port)),
    sasl: sasl && { ...sasl, bootstrap: addresses(nodes.map(({ saslPort }) => saslPort!)), caFile: caFile! },
    mutualTls:
      options.clientCaFile === undefined
        ? undefined
        : { bootstrap: addresses(nodes.map(({ tlsPort }) => tlsPort!)), caFile: caFile! },
    get pids() {
      return running.pids;
    },
    stop: (maxMs) => running.stop(maxMs),
    kill: (node) => running.kill(node),
    restart: (node) => running.restart(node),
  };
}

async function tlsIdentity(folder: string, keystorePassword: string, { sasl, clientCaFile }: StartKafkaOptions) {
  if (sasl !== true && clientCaFile === undefined) return undefined;
  const { keystore, caFile } = await makeTlsIdentity(folder, keystorePassword);
  return { tls: { keystore, keystorePassword, clientCaFile }, caFile };
}

const addresses = (ports: readonly number[]): string => ports.map((port) => `${LOOPBACK}:${port}`).join(",");

async function clusterFile(folder: string, options: StartKafkaOptions): Promise<ClusterFile> {
  const file = path.join(folder, "cluster.json");
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored !== undefined) return JSON.parse(stored) as ClusterFile;
  const count = options.nodes ?? 1;
  const ports = await freePorts(count * 4);
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: ports[index * 4]!,
    controllerPort: ports[index * 4 + 1]!,
    saslPort: options.sasl === true ? ports[index * 4 + 2]! : undefined,
    tlsPort: options.clientCaFile === undefined ? undefined : ports[index * 4 + 3]!,
  }));
  const cluster = {
    clusterId: newClusterId(),
    password: randomBytes(12).toString("hex"),
    nodes,
  };
  await writeFile(file, JSON.stringify(cluster), { mode: 0o600 });
  return cluster;
}

/** 16 bytes as Kafka writes them; on a command line, a minus in front would look like an option. */
function newClusterId(): string {
  const id = randomBytes(16).toString("base64url");
  return id.startsWith("-") ? newClusterId() : id;
}

/** The processes of a cluster. */
class Nodes {
  readonly #nodes: readonly BrokerNode[];
  readonly #installation: Installation;
  readonly #detached: boolean;
  readonly #children = new Map<number, ChildProcess>();
  readonly #killAll = () => {
    for (const child of this.#children.values()) child.kill("SIGKILL");
  };

  constructor(nodes: readonly BrokerNode[], installation: Installation, detached: boolean) {
    this.#nodes = nodes;
    this.#installation = installation;
    this.#detached = detached;
    if (!detached) process.once("exit", this.#killAll);
  }

  get pids(): ReadonlyMap<number, number> {
    return new Map([...this.#children].filter(([, child]) => !hasEnded(child)).map(([id, { pid }]) => [id, pid!]));
  }

  start(id: number): void {
    const child = startNode(this.#find(id), this.#installation, this.#detached);
    if (this.#detached) child.unref();
    this.#children.set(id, child);
  }

  async ready(): Promise<void> {
    const alive = this.#nodes.filter(({ id }) => this.pids.has(id));
    const deadlineMs = performance.now() + READY_MAX_MS;
    for (;;) {
      const dead = alive.find(({ id }) => hasEnded(this.#children.get(id)!));
      if (dead !== undefined) await this.#giveUp(dead, "has ended");
      const brokers = alive.map(({ port }) => `${LOOPBACK}:${port}`);
      if (await awaitCluster(brokers, alive.length)) return;
      if (performance.now() > deadlineMs) await this.#giveUp(alive[0]!, "does not answer");
      await sleep(READY_LOOK_MS);
    }
  }

  async #giveUp(node: BrokerNode, why: string): Promise<never> {
    await this.stop();
    throw new Error(`broker ${node.id} ${why}; its last output:\n${await lastOutput(node)}`);
  }

  async stop(maxMs?: number): Promise<void> {
    process.off("exit", this.#killAll);
    await Promise.all([...this.#children.values()].map((child) => stopNode(child, maxMs)));
  }

  async kill(id: number): Promise<void> {
    await killNode(this.#child(id));
  }

  async restart(id: number): Promise<void> {
    await stopNode(this.#child(id));
    this.start(id);
    await this.ready();
  }

  #child(id: number): ChildProcess {
    this.#find(id);
    return this.#children.get(id)!;
  }

  #find(id: number): BrokerNode {
    const node = this.#nodes.find((candidate) => candidate.id === id);
    if (node === undefined) throw new TypeError(`there is no node ${id}: this cluster has ${this.#nodes.length}`);
    return node;
  }
}
