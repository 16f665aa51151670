import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { LogAccess, LogReader } from "../port.ts";
import { PROTOCOL, type RemoteMethods } from "./protocol.ts";
import { closed } from "./refusals.ts";

export interface SessionServices {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
}

/** What one connection may call, and the readers it has opened. */
export class Session {
  readonly methods: RemoteMethods;
  readonly #readers = new Map<number, LogReader>();
  #readerCount = 0;
  #isClosed = false;

  constructor({ log, registry }: SessionServices) {
    this.methods = {
      hello: async (protocol) => checkProtocol(protocol),
      ensureTopics: (specs) => log.ensureTopics(specs),
      describeTopics: () => log.describeTopics(),
      deleteTopic: (topic) => log.deleteTopic(topic),
      produce: (batches) => log.produce(batches),
      listOffsets: (partitions, spec, isolation) => log.listOffsets(partitions, spec, isolation),
      deleteRecords: (before) => log.deleteRecords(before),
      committedOffsets: (groupId, partitions) => log.committedOffsets(groupId, partitions),
      describeGroup: (groupId) => log.describeGroup(groupId),
      openTransactions: (partitions) => log.openTransactions(partitions),
      openReader: async (isolation) => this.#addReader(await log.openReader({ isolation })),
      readerAssign: async (reader, positions) => this.#reader(reader).assign(positions),
      readerUnassign: async (reader, partitions) => this.#reader(reader).unassign(partitions),
      readerPoll: (reader, waitMaxMs) => this.#reader(reader).poll(waitMaxMs),
      readerClose: (reader) => this.#closeReader(reader),
      registerSchema: (subject, avro) => registry.register(subject, avro),
      schemaById: (id) => registry.schemaById(id),
      latestSchema: (subject) => registry.latest(subject),
      schemaVersions: (subject) => registry.versions(subject),
      schemaSubjects: () => registry.subjects(),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const readers = [...this.#readers.values()];
    this.#readers.clear();
    await Promise.all(readers.map((reader) => reader.close()));
  }

  async #addReader(reader: LogReader): Promise<number> {
    if (this.#isClosed) {
      await reader.close();
      throw closed("connection");
    }
    this.#readerCount += 1;
    this.#readers.set(this.#readerCount, reader);
    return this.#readerCount;
  }

  #reader(id: number): LogReader {
    const reader = this.#readers.get(id);
    if (reader === undefined) throw closed("reader");
    return reader;
  }

  async #closeReader(id: number): Promise<void> {
    const reader = this.#readers.get(id);
    this.#readers.delete(id);
    await reader?.close();
  }
}

function checkProtocol(protocol: number): void {
  if (protocol === PROTOCOL) return;
  throw new MulgilError(
    `the process that owns the data directory speaks protocol ${PROTOCOL}, this one ${protocol}; use the same version of Mulgil for both`,
    { code: "LOG_PROTOCOL" },
  );
}
