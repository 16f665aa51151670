/** Kafka's primitive types. Bytes are views. */
export class WireReader {
  readonly buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  int8(): number {
    const value = this.buffer.readInt8(this.position);
    this.position += 1;
    return value;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    const value = this.buffer.readInt16BE(this.position);
    this.position += 2;
    return value;
  }

  int32(): number {
    const value = this.buffer.readInt32BE(this.position);
    this.position += 4;
    return value;
  }

  /** Offsets, times and producer ids are safe integers. */
  int64(): number {
    const high = this.buffer.readInt32BE(this.position);
    const low = this.buffer.readUInt32BE(this.position + 4);
    this.position += 8;
    return high * 0x1_0000_0000 + low;
  }

  raw(length: number): Buffer {
    const end = this.position + length;
    if (length < 0 || end > this.buffer.length) throw new RangeError("read past the end of a Kafka message");
    const value = this.buffer.subarray(this.position, end);
    this.position = end;
    return value;
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.raw(length).toString();
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const part = this.buffer.readUInt8(this.position++);
      value |= (part & 0x7f) << shift;
      if (part < 0x80) return value >>> 0;
    }
  }

  /** Zig-zag; a safe integer. */
  varint(): number {
    const { buffer } = this;
    let part = buffer[this.position++]!;
    let rest = part & 0x7f;
    for (let scale = 0x80; part >= 0x80; scale *= 0x80) {
      if (this.position >= buffer.length) throw new RangeError("read past the end of a Kafka message");
      part = buffer[this.position++]!;
      rest += (part & 0x7f) * scale;
    }
    return rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
  }

  uuid(): string {
    return this.raw(16).toString("hex");
  }

  compactString(): string | null {
    const length = this.unsignedVarint();
    return length === 0 ? null : this.raw(length - 1).toString();
  }

  compactBytes(): Buffer | null {
    const length = this.unsignedVarint();
    return length === 0 ? null : this.raw(length - 1);
  }

  compactArray<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.unsignedVarint() - 1) }, read);
  }

  skipTags(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint();
      this.raw(this.unsignedVarint());
    }
  }
}
