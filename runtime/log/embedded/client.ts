import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { LogAccess, LogReader } from "../port.ts";
import { closed } from "./refusals.ts";
import type { RemoteConnection } from "./remote-connection.ts";
import { RemoteProducer } from "./remote-producer.ts";

/** The log of another process, through its socket. */
export function remoteLog(connection: RemoteConnection): LogAccess {
  return {
    ensureTopics: (specs) => connection.call("ensureTopics", specs),
    describeTopics: () => connection.call("describeTopics"),
    deleteTopic: (topic) => connection.call("deleteTopic", topic),
    produce: (batches) => connection.call("produce", batches),
    openReader: async ({ isolation }) => new RemoteReader(connection, await connection.call("openReader", isolation)),
    listOffsets: (partitions, spec, isolation) => connection.call("listOffsets", partitions, spec, isolation),
    deleteRecords: (before) => connection.call("deleteRecords", before),
    committedOffsets: (groupId, partitions) => connection.call("committedOffsets", groupId, partitions),
    describeGroup: (groupId) => connection.call("describeGroup", groupId),
    deleteGroup: (groupId) => connection.call("deleteGroup", groupId),
    openTransactionalProducer: async (transactionalId) =>
      new RemoteProducer(connection, await connection.call("openProducer", transactionalId), transactionalId),
    openTransactions: (partitions) => connection.call("openTransactions", partitions),
    close: () => connection.close(),
  };
}

/** The registry of another process, through its socket. */
export function remoteRegistry(connection: RemoteConnection): SchemaRegistry {
  return {
    register: (subject, avro) => connection.call("registerSchema", subject, avro),
    schemaById: (id) => connection.call("schemaById", id),
    latest: (subject) => connection.call("latestSchema", subject),
    versions: (subject) => connection.call("schemaVersions", subject),
    subjects: () => connection.call("schemaSubjects"),
    compatibilityOf: (subject) => connection.call("schemaCompatibility", subject),
  };
}

/** A reader that lives in the owner. Assignments travel at once, in order; a failure of one shows in the next poll. */
class RemoteReader implements LogReader {
  readonly #connection: RemoteConnection;
  readonly #id: number;
  #failure: unknown;
  #isClosed = false;

  constructor(connection: RemoteConnection, id: number) {
    this.#connection = connection;
    this.#id = id;
  }

  assign(positions: Parameters<LogReader["assign"]>[0]): void {
    this.#send(this.#connection.call("readerAssign", this.#id, this.#checked(positions)));
  }

  unassign(partitions: Parameters<LogReader["unassign"]>[0]): void {
    this.#send(this.#connection.call("readerUnassign", this.#id, this.#checked(partitions)));
  }

  async poll(waitMaxMs: number): ReturnType<LogReader["poll"]> {
    this.#checked(undefined);
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await this.#connection.call("readerPoll", this.#id, waitMaxMs);
    } catch (error) {
      if (this.#isClosed) return [];
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // The owner closes the readers of a connection that is gone.
    await this.#connection.call("readerClose", this.#id).catch(() => undefined);
  }

  #checked<T>(value: T): T {
    if (this.#isClosed) throw closed("reader");
    return value;
  }

  #send(sent: Promise<void>): void {
    sent.catch((error: unknown) => {
      this.#failure ??= error;
    });
  }
}
