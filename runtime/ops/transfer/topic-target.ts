import { partitionOf } from "../../log/partitioner.ts";
import type { ProducerRecord } from "../../log/port.ts";
import type { TransferRecord, TransferTarget } from "./transfer.ts";

/**
 * Writes to a topic. A record keeps its partition where the target has as many as the source; else it goes where its key belongs, as Java producers place
 * it, and without a key to the remainder of its partition's number.
 */
export function topicTarget(options: {
  readonly topic: string;
  readonly partitions: number;
  readonly sourcePartitions: number;
  readonly convert: (record: TransferRecord) => ProducerRecord;
}): TransferTarget {
  const { topic, partitions, sourcePartitions, convert } = options;
  const placeOf = ({ key, partition }: TransferRecord) => {
    if (partitions === sourcePartitions) return partition;
    return key === null ? partition % partitions : partitionOf(key, partitions);
  };
  return {
    open: async () => undefined,
    async write(records, producer) {
      if (records.length === 0) return 0;
      const batches = Map.groupBy(records, placeOf);
      await producer.produce([...batches].map(([partition, own]) => ({ topic, partition, records: own.map(convert) })));
      return 0;
    },
    close: async () => undefined,
  };
}
