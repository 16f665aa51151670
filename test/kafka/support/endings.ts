import type { LogAccess, LogReader } from "../../../runtime/log/port.ts";
import { TopicCodec } from "../../../runtime/testing/topic-codec.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { Ended } from "./calls-job.ts";

const POLL_WAIT_MS = 100;

/** What read_committed shows of how requests ended, followed while it comes. */
export class Endings {
  /** In the order of each key. */
  readonly all: Ended[] = [];
  /** By request: when its first ending was seen. */
  readonly seenMs = new Map<number, number>();
  readonly #reader: LogReader;
  readonly #codec: TopicCodec;
  readonly #following: Promise<void>;
  #isClosed = false;

  private constructor(reader: LogReader, codec: TopicCodec) {
    this.#reader = reader;
    this.#codec = codec;
    this.#following = this.#follow();
  }

  static async open(
    log: LogAccess,
    topic: Parameters<typeof TopicCodec.open>[0],
    registry: SchemaRegistry,
    partitions: number,
  ): Promise<Endings> {
    const codec = await TopicCodec.open(topic, registry);
    const reader = await log.openReader({ isolation: "read_committed" });
    reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: topic.name, partition, offset: 0 })));
    return new Endings(reader, codec);
  }

  /** Rejects if the topic could not be read. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#following;
    await this.#reader.close();
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed) {
      for (const { records } of await this.#reader.poll(POLL_WAIT_MS)) {
        const seenMs = Date.now();
        for (const record of records) {
          const ended = (await this.#codec.decode(record)).value as Ended;
          this.all.push(ended);
          if (!this.seenMs.has(ended.id)) this.seenMs.set(ended.id, seenMs);
        }
      }
    }
  }
}
