/** Reads what ByteWriter wrote. */
export class ByteReader {
  readonly buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  get remaining(): number {
    return this.buffer.length - this.position;
  }

  byte(): number {
    if (this.position >= this.buffer.length) throw new RangeError("read past the end of a stored value");
    return this.buffer[this.position++]!;
  }

  double(): number {
    const value = this.buffer.readDoubleBE(this.position);
    this.position += 8;
    return value;
  }

  integer(): number {
    let scale = 1;
    let rest = 0;
    for (;;) {
      const part = this.byte();
      rest += (part & 0x7f) * scale;
      if (part < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 49) return this.#bigInteger(BigInt(rest), BigInt(scale));
    }
    return rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
  }

  #bigInteger(start: bigint, startScale: bigint): number {
    let rest = start;
    let scale = startScale;
    for (;;) {
      const part = this.byte();
      rest += BigInt(part & 0x7f) * scale;
      if (part < 0x80) break;
      scale *= 128n;
    }
    return Number(rest % 2n === 0n ? rest / 2n : -(rest + 1n) / 2n);
  }

  bytes(): Buffer {
    return this.raw(this.integer());
  }

  /** A view, not a copy. */
  raw(length: number): Buffer {
    const end = this.position + length;
    if (length < 0 || end > this.buffer.length) throw new RangeError("read past the end of a stored value");
    const value = this.buffer.subarray(this.position, end);
    this.position = end;
    return value;
  }

  string(): string {
    const length = this.integer();
    const end = this.position + length;
    if (length < 0 || end > this.buffer.length) throw new RangeError("read past the end of a stored value");
    const value = this.buffer.toString("utf8", this.position, end);
    this.position = end;
    return value;
  }
}
