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

const FIELDS = 7;
const NONE = Number.NaN;

/** Doubles of a fixed length: this is written with every append. */
export function encodePartitionStatus(status: PartitionStatus): Buffer {
  const encoded = Buffer.allocUnsafe(FIELDS * 8);
  let position = encoded.writeDoubleBE(status.startOffset, 0);
  position = encoded.writeDoubleBE(status.endOffset, position);
  position = encoded.writeDoubleBE(status.compactedTo, position);
  position = encoded.writeDoubleBE(status.compactedBytes, position);
  position = encoded.writeDoubleBE(status.dirtyBytes, position);
  position = encoded.writeDoubleBE(status.dirtySinceMs, position);
  encoded.writeDoubleBE(status.tombstonesDueMs ?? NONE, position);
  return encoded;
}

export function decodePartitionStatus(encoded: Buffer): PartitionStatus {
  const at = (field: number): number => encoded.readDoubleBE(field * 8);
  return {
    startOffset: at(0),
    endOffset: at(1),
    compactedTo: at(2),
    compactedBytes: at(3),
    dirtyBytes: at(4),
    dirtySinceMs: at(5),
    tombstonesDueMs: Number.isNaN(at(6)) ? undefined : at(6),
  };
}
