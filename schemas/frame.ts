/** Confluent's frame in front of an Avro value: a zero byte and the schema id as a big-endian int. */
export const FRAME_BYTES = 5;

export function writeFrame(buffer: Buffer, start: number, id: number): void {
  buffer[start] = 0;
  buffer.writeInt32BE(id, start + 1);
}

/** The schema id; undefined if the bytes carry no frame. */
export function frameId(bytes: Buffer): number | undefined {
  return bytes.length >= FRAME_BYTES && bytes[0] === 0 ? bytes.readInt32BE(1) : undefined;
}
