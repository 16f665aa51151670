import { LOOPBACK } from "./free-ports.ts";

export interface BrokerNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Where clients with a password come in, over TLS. */
  readonly saslPort: number | undefined;
  /** Where clients with a certificate come in. */
  readonly tlsPort?: number | undefined;
  /** Holds the node's data, configuration and output. */
  readonly folder: string;
}

/** How a node shows who it is, over TLS. */
export interface TlsIdentity {
  /** PKCS12, with the certificate that clients must trust. */
  readonly keystore: string;
  readonly keystorePassword: string;
  /** PEM file of the authority whose clients come in by their certificates. */
  readonly clientCaFile: string | undefined;
}

export interface SaslIdentity {
  readonly username: string;
  readonly password: string;
}

/** The configuration of one node of a small cluster for development and tests: short time-outs are allowed, nothing waits for company. */
export function brokerProperties(
  node: BrokerNode,
  nodes: readonly BrokerNode[],
  options: {
    readonly tls: TlsIdentity | undefined;
    readonly sasl: SaslIdentity | undefined;
    readonly overrides: Readonly<Record<string, string>>;
  },
): string {
  const replicas = Math.min(3, nodes.length);
  const minInSync = replicas === 3 ? 2 : 1;
  const listeners = [
    `PLAINTEXT://${LOOPBACK}:${node.port}`,
    ...(node.saslPort === undefined ? [] : [`SASL_SSL://${LOOPBACK}:${node.saslPort}`]),
    ...(node.tlsPort === undefined ? [] : [`SSL://${LOOPBACK}:${node.tlsPort}`]),
  ].join(",");
  const properties: Record<string, string | number> = {
    "process.roles": "broker,controller",
    "node.id": node.id,
    listeners: `${listeners},CONTROLLER://${LOOPBACK}:${node.controllerPort}`,
    "advertised.listeners": listeners,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL",
    "controller.quorum.voters": nodes.map(({ id, controllerPort }) => `${id}@${LOOPBACK}:${controllerPort}`).join(","),
    "log.dirs": `${node.folder}/data`,
    "auto.create.topics.enable": "false",
    "num.partitions": 1,
    "default.replication.factor": replicas,
    "min.insync.replicas": minInSync,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": replicas,
    "transaction.state.log.num.partitions": 4,
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": minInSync,
    "share.coordinator.state.topic.replication.factor": replicas,
    "share.coordinator.state.topic.min.isr": minInSync,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 500,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "log.cleaner.dedupe.buffer.size": 2_097_152,
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    ...(options.tls !== undefined && tlsProperties(options.tls)),
    ...(options.sasl !== undefined && saslProperties(options.sasl)),
    ...options.overrides,
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n")}\n`;
}

function tlsProperties({ keystore, keystorePassword, clientCaFile }: TlsIdentity): Record<string, string> {
  return {
    "ssl.keystore.type": "PKCS12",
    "ssl.keystore.location": keystore,
    "ssl.keystore.password": keystorePassword,
    "ssl.key.password": keystorePassword,
    ...(clientCaFile !== undefined && {
      "listener.name.ssl.ssl.client.auth": "required",
      "listener.name.ssl.ssl.truststore.type": "PEM",
      "listener.name.ssl.ssl.truststore.location": clientCaFile,
    }),
  };
}

function saslProperties({ username, password }: SaslIdentity): Record<string, string> {
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`;
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  const listener = "listener.name.sasl_ssl";
  return {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    [`${listener}.plain.sasl.jaas.config`]: plain,
    [`${listener}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${listener}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}
