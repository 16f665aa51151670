/**
 * The only file that imports kafkajs, and the only one that patches it. Version 2.2.4 is pinned and will be the last: what is used of its
 * inside cannot move.
 *
 * What kafkajs does here: connections, TLS, SASL, the request queue, and most requests of the protocol. Its Consumer and Producer are not
 * used. The Consumer commits positions of its own when one is out of range, starts to read at positions nobody asked for, rejoins without
 * telling, and cannot wait for a caller before it gives partitions up; the Producer stays in its state machine after a failed commit and
 * numbers overlapping sends wrongly. All of that would have to be prevented from outside; membership, fetching and transactions are
 * shorter written on the requests themselves (group-consumer.ts, fetcher.ts, transactional-producer.ts).
 */
import { createRequire } from "node:module";
import kafkajs, { type KafkaConfig, type Mechanism, type SASLOptions } from "kafkajs";

export type { Mechanism, SASLOptions };

const { Kafka, logLevel } = kafkajs;
const internals = createRequire(import.meta.resolve("kafkajs"));

/** A request that kafkajs does not know, or not in the version needed. */
export interface RawRequest<T> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  /** From the end of the client id in the request header. */
  readonly body: Buffer;
  /** From the end of the correlation id in the response header. */
  readonly decode: (body: Buffer) => T;
  /** At least this long is waited for the answer; the time-out of all requests is a minimum too. */
  readonly timeoutMs?: number;
}

interface Topics<P> {
  readonly topic: string;
  readonly partitions: readonly P[];
}

interface ProducerArguments {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

interface MemberArguments {
  readonly groupId: string;
  readonly memberId: string;
}

/** Offsets travel as decimal text. */
interface OffsetArgument {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

/** The requests of kafkajs's Broker that are used. They reject with an error that has a `type` and a `code`. */
export interface BrokerRequests {
  findGroupCoordinator(request: {
    readonly groupId: string;
    readonly coordinatorType: number;
  }): Promise<{ readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number } }>;
  joinGroup(
    request: MemberArguments & {
      readonly sessionTimeout: number;
      readonly rebalanceTimeout: number;
      readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
    },
  ): Promise<{
    readonly generationId: number;
    readonly groupProtocol: string;
    readonly leaderId: string;
    readonly memberId: string;
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
  }>;
  syncGroup(
    request: MemberArguments & {
      readonly generationId: number;
      readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
    },
  ): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: MemberArguments & { readonly groupGenerationId: number }): Promise<unknown>;
  leaveGroup(request: MemberArguments): Promise<unknown>;
  offsetCommit(
    request: MemberArguments & {
      readonly groupGenerationId: number;
      readonly topics: readonly Topics<OffsetArgument>[];
    },
  ): Promise<unknown>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly Topics<{ readonly partition: number }>[];
  }): Promise<{ readonly responses: readonly Topics<OffsetArgument>[] }>;
  describeGroups(request: { readonly groupIds: readonly string[] }): Promise<{
    readonly groups: readonly {
      readonly state: string;
      readonly members: readonly {
        readonly memberId: string;
        readonly clientId: string;
        readonly clientHost: string;
        readonly memberMetadata: Buffer;
        readonly memberAssignment: Buffer;
      }[];
    }[];
  }>;
  /** Errors of single groups are in the answer. */
  deleteGroups(
    groupIds: readonly string[],
  ): Promise<{ readonly results: readonly { readonly error?: Error & { readonly code: number } }[] }>;
  listOffsets(request: {
    readonly replicaId: number;
    readonly isolationLevel: number;
    readonly topics: readonly Topics<{ readonly partition: number; readonly timestamp: number }>[];
  }): Promise<{ readonly responses: readonly Topics<{ readonly partition: number; readonly offset: string }>[] }>;
  initProducerId(request: {
    readonly transactionalId: string | null;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(request: ProducerArguments & { readonly topics: readonly Topics<number>[] }): Promise<unknown>;
  addOffsetsToTxn(request: ProducerArguments & { readonly groupId: string }): Promise<unknown>;
  txnOffsetCommit(
    request: ProducerArguments & { readonly groupId: string; readonly topics: readonly Topics<OffsetArgument>[] },
  ): Promise<unknown>;
  endTxn(request: ProducerArguments & { readonly transactionResult: boolean }): Promise<unknown>;
  createTopics(request: {
    readonly timeout: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly numPartitions: number;
      readonly replicationFactor: number;
      readonly configEntries: readonly { readonly name: string; readonly value: string }[];
    }[];
  }): Promise<unknown>;
  deleteTopics(request: { readonly topics: readonly string[]; readonly timeout: number }): Promise<unknown>;
  deleteRecords(request: {
    readonly topics: readonly Topics<{ readonly partition: number; readonly offset: string }>[];
  }): Promise<unknown>;
  describeConfigs(request: {
    readonly resources: readonly {
      readonly type: number;
      readonly name: string;
      /** An empty list asks for all. */
      readonly configNames: readonly string[];
    }[];
  }): Promise<{
    readonly resources: readonly {
      readonly resourceName: string;
      readonly configEntries: readonly {
        readonly configName: string;
        readonly configValue: string;
        /** 1: set for this topic, and not a default. */
        readonly configSource?: number;
      }[];
    }[];
  }>;
  /** Replaces all that is set for a resource. */
  alterConfigs(request: {
    readonly resources: readonly {
      readonly type: number;
      readonly name: string;
      readonly configEntries: readonly { readonly name: string; readonly value: string }[];
    }[];
  }): Promise<unknown>;
}

interface KafkajsConnection {
  readonly requestQueue: { rejectAll(error: Error): void };
  disconnect(): Promise<unknown>;
}

interface KafkajsConnectionPool {
  readonly pool: readonly KafkajsConnection[];
  send(protocol: unknown): Promise<unknown>;
}

interface KafkajsBroker extends BrokerRequests {
  readonly connectionPool: KafkajsConnectionPool;
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>>;
  connect(): Promise<void>;
}

interface KafkajsCluster {
  readonly rootLogger: unknown;
  readonly connectionPoolBuilder: {
    build(address?: { readonly host: string; readonly port: number }): Promise<KafkajsConnectionPool>;
  };
  readonly brokerPool: {
    createBroker(options: { readonly connectionPool: KafkajsConnectionPool; readonly logger: unknown }): KafkajsBroker;
  };
}

interface KafkajsRequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

/** One broker over a connection for fetching and one for the rest, each used in the order of its requests. */
export class BrokerLink {
  readonly #broker: KafkajsBroker;
  /** kafkajs calls a broker connected before it knows what the broker understands. */
  #connected: Promise<void> | undefined;

  constructor(broker: KafkajsBroker) {
    this.#broker = broker;
  }

  /** @throws an error of kafkajs, of a connection or of the broker: see broker-errors.ts */
  async requests(): Promise<BrokerRequests> {
    this.#connected ??= this.#broker.connect();
    await this.#connected;
    return this.#broker;
  }

  /** The newest version of a request that the broker knows. */
  async maxVersion(apiKey: number): Promise<number> {
    await this.requests();
    return this.#broker.versions[apiKey]?.maxVersion ?? -1;
  }

  async send<T>(request: RawRequest<T>): Promise<T> {
    await this.requests();
    const { apiKey, apiName, apiVersion, body, decode, timeoutMs = null } = request;
    const answer = await this.#broker.connectionPool.send({
      // The shape of kafkajs's Encoder.
      request: { apiKey, apiName, apiVersion, encode: async () => ({ buf: body, buffer: body }) },
      response: {
        decode: async (payload: Buffer) => ({ clientSideThrottleTime: null, answer: decode(payload) }),
        parse: async (decoded: { readonly answer: T }) => decoded.answer,
      },
      requestTimeout: timeoutMs,
    });
    return answer as T;
  }

  /** At once: what is under way is rejected. */
  async close(): Promise<void> {
    const closing = Object.assign(new Error("the connection was closed"), { name: "KafkaJSConnectionClosedError" });
    await Promise.all(
      this.#broker.connectionPool.pool.map(async (connection) => {
        connection.requestQueue.rejectAll(closing);
        await connection.disconnect();
      }),
    );
  }
}

/** Makes links with the settings of a client: where brokers are, TLS and SASL. */
export class LinkFactory {
  readonly #cluster: KafkajsCluster;

  constructor(config: Omit<KafkaConfig, "logLevel" | "logCreator" | "retry">) {
    patch();
    // kafkajs reports what happens to connections by errors as well; its own log would print to stderr.
    const client = new Kafka({ ...config, logLevel: logLevel.NOTHING, logCreator: () => () => undefined });
    this.#cluster = clusterOf(client);
  }

  /** To an address, or to the next of the bootstrap addresses. */
  async open(address?: { readonly host: string; readonly port: number }): Promise<BrokerLink> {
    const { connectionPoolBuilder, brokerPool, rootLogger } = this.#cluster;
    const connectionPool = await connectionPoolBuilder.build(address);
    return new BrokerLink(brokerPool.createBroker({ connectionPool, logger: rootLogger }));
  }
}

/** A consumer hands its cluster to its assigners when it is made; nothing else of it is used. */
function clusterOf(client: InstanceType<typeof Kafka>): KafkajsCluster {
  let found: unknown;
  client.consumer({
    groupId: "unused",
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster;
        return {
          name: "unused",
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: "unused", metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  return found as KafkajsCluster;
}

/** Codes that brokers have learnt since kafkajs was written; without a name it drops the number. */
const NEWER_ERRORS = [
  [89, "THROTTLING_QUOTA_EXCEEDED"],
  [90, "PRODUCER_FENCED"],
  [91, "RESOURCE_NOT_FOUND"],
  [100, "UNKNOWN_TOPIC_ID"],
  [103, "INCONSISTENT_TOPIC_ID"],
  [120, "TRANSACTION_ABORTABLE"],
] as const;

let isPatched = false;

function patch(): void {
  if (isPatched) return;
  isPatched = true;
  // kafkajs arms a timer of 1 ms again and again for every connection (CLIENTS: A3), and Node 24 warns of its negative time-out.
  const queue = internals("kafkajs/src/network/requestQueue") as { readonly prototype: KafkajsRequestQueue };
  const schedule = queue.prototype.scheduleCheckPendingRequests;
  queue.prototype.scheduleCheckPendingRequests = function (this: KafkajsRequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
  const { errorCodes } = internals("kafkajs/src/protocol/error") as {
    readonly errorCodes: { type: string; code: number; retriable: boolean; message: string }[];
  };
  for (const [code, type] of NEWER_ERRORS) errorCodes.push({ type, code, retriable: false, message: type });
}
