import { ByteReader } from "../../../state/byte-reader.ts";
import { ByteWriter } from "../../../state/byte-writer.ts";

/** What is remembered of a partition beside its batches. It is written with every append, so the end is always that of the batches. */
export interface PartitionStatus {
  readonly startOffset: number;
  readonly endOffset: number;
  /** Below this offset every key occurs once; only in compacted topics. */
  readonly compactedTo: number;
  readonly compactedBytes: number;
  /** Bytes appended since, and the time of the first of them. */
  readonly dirtyBytes: number;
  readonly dirtySinceMs: number;
  /** When the first compacted tombstone may vanish; undefined if there is none. */
  readonly tombstonesDueMs: number | undefined;
}

export const emptyPartition: PartitionStatus = {
  startOffset: 0,
  endOffset: 0,
  compactedTo: 0,
  compactedBytes: 0,
  dirtyBytes: 0,
  dirtySinceMs: 0,
  tombstonesDueMs: undefined,
};

const STATUS_BYTES_MAX = 80;

export function encodePartitionStatus(status: PartitionStatus): Buffer {
  const writer = new ByteWriter(STATUS_BYTES_MAX);
  writer.integer(status.startOffset);
  writer.integer(status.endOffset);
  writer.integer(status.compactedTo);
  writer.integer(status.compactedBytes);
  writer.integer(status.dirtyBytes);
  writer.integer(status.dirtySinceMs);
  writer.integer(status.tombstonesDueMs ?? -1);
  return writer.buffer.subarray(0, writer.position);
}

export function decodePartitionStatus(encoded: Buffer): PartitionStatus {
  const reader = new ByteReader(encoded);
  const startOffset = reader.integer();
  const endOffset = reader.integer();
  const compactedTo = reader.integer();
  const compactedBytes = reader.integer();
  const dirtyBytes = reader.integer();
  const dirtySinceMs = reader.integer();
  const due = reader.integer();
  return {
    startOffset,
    endOffset,
    compactedTo,
    compactedBytes,
    dirtyBytes,
    dirtySinceMs,
    tombstonesDueMs: due === -1 ? undefined : due,
  };
}
