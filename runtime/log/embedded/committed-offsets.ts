import type { CommittedOffset, TopicPartition } from "../port.ts";
import type { PartitionLog } from "./partition-log.ts";
import { type Change, del, put, type Write } from "./storage.ts";
import { offsetKey } from "./storage-keys.ts";

/** A committed offset as it is stored, and as a transaction keeps it until it commits. */
export interface StoredOffset {
  readonly offset: number;
  readonly metadata: string;
}

export interface GroupOffset extends StoredOffset {
  readonly groupId: string;
  readonly log: PartitionLog;
}

/** The committed offsets of all groups. They are kept until their topic is deleted, however long a group is away. */
export class CommittedOffsets {
  readonly #groups = new Map<string, Map<PartitionLog, StoredOffset>>();

  /** Enters an offset that is stored. */
  add({ groupId, log, offset, metadata }: GroupOffset): void {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      group = new Map();
      this.#groups.set(groupId, group);
    }
    group.set(log, { offset, metadata });
  }

  /** Those of topics deleted in the meantime are left out. */
  commit(offsets: readonly GroupOffset[]): Change {
    const alive = offsets.filter(({ log }) => !log.isDeleted);
    const writes: Write[] = alive.map(({ groupId, log, offset, metadata }) =>
      put(offsetKey(groupId, log.topicId, log.partition), Buffer.from(JSON.stringify({ offset, metadata }))),
    );
    const apply = () => {
      for (const offset of alive) if (!offset.log.isDeleted) this.add(offset);
    };
    return { writes, apply };
  }

  /** The offsets of partitions that have one. */
  get(
    groupId: string,
    partitions: readonly TopicPartition[],
    find: (where: TopicPartition) => PartitionLog | undefined,
  ): readonly CommittedOffset[] {
    const group = this.#groups.get(groupId);
    const found: CommittedOffset[] = [];
    for (const { topic, partition } of partitions) {
      const log = find({ topic, partition });
      const stored = log && group?.get(log);
      if (stored !== undefined) found.push({ topic, partition, ...stored });
    }
    return found;
  }

  forgetGroup(groupId: string): Change {
    const logs = [...(this.#groups.get(groupId)?.keys() ?? [])];
    return {
      writes: logs.map((log) => del(offsetKey(groupId, log.topicId, log.partition))),
      apply: () => void this.#groups.delete(groupId),
    };
  }

  /** Forgets the offsets of a topic that is being deleted. */
  forgetTopic(logs: readonly PartitionLog[]): Change {
    const writes: Write[] = [];
    for (const [groupId, group] of this.#groups) {
      for (const log of logs) if (group.has(log)) writes.push(del(offsetKey(groupId, log.topicId, log.partition)));
    }
    const apply = () => {
      for (const group of this.#groups.values()) for (const log of logs) group.delete(log);
    };
    return { writes, apply };
  }
}
