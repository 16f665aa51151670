/** Kafka's primitive types. A growing slab. */
export class WireWriter {
  buffer: Buffer;
  position = 0;

  constructor(bytes = 1024) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  /** What was written, as a view. */
  get written(): Buffer {
    return this.buffer.subarray(0, this.position);
  }

  ensure(bytes: number): void {
    if (this.position + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.position + bytes));
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }

  int8(value: number): this {
    this.ensure(1);
    this.position = this.buffer.writeInt8(value, this.position);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    this.ensure(2);
    this.position = this.buffer.writeInt16BE(value, this.position);
    return this;
  }

  int32(value: number): this {
    this.ensure(4);
    this.position = this.buffer.writeInt32BE(value, this.position);
    return this;
  }

  /** A safe integer. */
  int64(value: number): this {
    this.ensure(8);
    this.position = this.buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), this.position);
    this.position = this.buffer.writeUInt32BE(value >>> 0, this.position);
    return this;
  }

  raw(value: Buffer): this {
    this.ensure(value.length);
    value.copy(this.buffer, this.position);
    this.position += value.length;
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    return this.int16(bytes.length).raw(bytes);
  }

  bytes(value: Buffer): this {
    return this.int32(value.length).raw(value);
  }

  array<T>(values: readonly T[], write: (value: T) => void): this {
    this.int32(values.length);
    for (const value of values) write(value);
    return this;
  }

  unsignedVarint(value: number): this {
    this.ensure(5);
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.position++] = rest;
    return this;
  }

  compactString(value: string | null): this {
    if (value === null) return this.unsignedVarint(0);
    const bytes = Buffer.from(value);
    return this.unsignedVarint(bytes.length + 1).raw(bytes);
  }

  compactArray<T>(values: readonly T[] | null, write: (value: T) => void): this {
    this.unsignedVarint(values === null ? 0 : values.length + 1);
    for (const value of values ?? []) write(value);
    return this;
  }

  noTags(): this {
    return this.unsignedVarint(0);
  }
}
