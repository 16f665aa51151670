import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { LogAccess, LogReader, TransactionalProducer } from "../port.ts";
import { Handles } from "./handles.ts";
import { PROTOCOL, type RemoteMethods } from "./protocol.ts";

export interface SessionServices {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
}

/** What one connection may call, and the readers and producers it has opened. */
export class Session {
  readonly methods: RemoteMethods;
  readonly #readers = new Handles<LogReader>("reader");
  readonly #producers = new Handles<TransactionalProducer>("transactional producer");

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
      deleteGroup: (groupId) => log.deleteGroup(groupId),
      openReader: async (isolation) => this.#readers.add(await log.openReader({ isolation })),
      readerAssign: async (reader, positions) => this.#readers.get(reader).assign(positions),
      readerUnassign: async (reader, partitions) => this.#readers.get(reader).unassign(partitions),
      readerPoll: (reader, waitMaxMs) => this.#readers.get(reader).poll(waitMaxMs),
      readerClose: (reader) => this.#readers.close(reader),
      openProducer: async (transactionalId) =>
        this.#producers.add(await log.openTransactionalProducer(transactionalId)),
      producerBegin: async (producer) => this.#producers.get(producer).begin(),
      producerProduce: async (producer, batches) => this.#producers.get(producer).produce(batches),
      producerSendOffsets: async (producer, groupId, offsets) =>
        this.#producers.get(producer).sendOffsets(groupId, offsets),
      producerCommit: async (producer) => this.#producers.get(producer).commit(),
      producerAbort: async (producer) => this.#producers.get(producer).abort(),
      producerClose: (producer) => this.#producers.close(producer),
      openTransactions: (partitions) => log.openTransactions(partitions),
      registerSchema: (subject, avro) => registry.register(subject, avro),
      schemaById: (id) => registry.schemaById(id),
      latestSchema: (subject) => registry.latest(subject),
      schemaVersions: (subject) => registry.versions(subject),
      schemaSubjects: () => registry.subjects(),
      schemaCompatibility: (subject) => registry.compatibilityOf(subject),
    };
  }

  /** What a producer has left open is aborted by the next owner of its id, or when its time is over: as if its process had died. */
  async close(): Promise<void> {
    await Promise.all([this.#readers.closeAll(), this.#producers.closeAll()]);
  }
}

function checkProtocol(protocol: number): void {
  if (protocol === PROTOCOL) return;
  throw new MulgilError(
    `the process that owns the data directory speaks protocol ${PROTOCOL}, this one ${protocol}; use the same version of Mulgil for both`,
    { code: "LOG_PROTOCOL" },
  );
}
