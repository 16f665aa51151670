/** A growing slab. What was written stays valid when it grows, because `take` copies nothing until the slab is replaced. */
export class ByteWriter {
  buffer: Buffer;
  position = 0;

  constructor(bytes = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
  }

  /** Makes room for `bytes` more; afterwards `buffer` may be another one. */
  ensure(bytes: number): void {
    if (this.position + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.position + bytes));
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }

  byte(value: number): void {
    this.ensure(1);
    this.buffer[this.position++] = value;
  }

  double(value: number): void {
    this.ensure(8);
    this.position = this.buffer.writeDoubleBE(value, this.position);
  }

  /** A safe integer, zig-zag and variable-length: small values of either sign take one byte. */
  integer(value: number): void {
    this.ensure(10);
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    if (rest > Number.MAX_SAFE_INTEGER) {
      this.#bigInteger(BigInt(value));
      return;
    }
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80;
      rest = rest > 0x7fffffff ? Math.floor(rest / 128) : rest >>> 7;
    }
    this.buffer[this.position++] = rest;
  }

  #bigInteger(value: bigint): void {
    let rest = value < 0n ? -value * 2n - 1n : value * 2n;
    while (rest > 0x7fn) {
      this.buffer[this.position++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.position++] = Number(rest);
  }

  /** Length and content. */
  bytes(value: Uint8Array): void {
    this.integer(value.length);
    this.raw(value);
  }

  /** Content alone. */
  raw(value: Uint8Array): void {
    this.ensure(value.length);
    this.buffer.set(value, this.position);
    this.position += value.length;
  }

  /** Length and UTF-8. */
  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.integer(length);
    this.ensure(length);
    this.position += this.buffer.write(value, this.position, length, "utf8");
  }
}
