import { ByteWriter } from "./byte-writer.ts";
import type { ChangelogRecord } from "./store.ts";

const slabBytes = 256 * 1024;

/**
 * Cuts records out of large buffers instead of allocating two for each. What was cut is never overwritten: a full slab is replaced.
 *
 *   const out = slab.startKey(); …write the key…
 *   slab.startValue(); …write the value…
 *   records.push(slab.take());
 */
export class Slab {
  #out = new ByteWriter(slabBytes);
  #keyStart = 0;
  #keyEnd = 0;
  /** So much is left when a record begins: growing a slab would copy it. */
  #roomBytes = 4 * 1024;

  startKey(): ByteWriter {
    if (this.#out.buffer.length - this.#out.position < this.#roomBytes) {
      this.#out = new ByteWriter(Math.max(slabBytes, this.#roomBytes));
    }
    this.#keyStart = this.#out.position;
    return this.#out;
  }

  startValue(): void {
    this.#keyEnd = this.#out.position;
  }

  /** A record of the key alone, that deletes. */
  takeDelete(): ChangelogRecord {
    return { key: this.#out.buffer.subarray(this.#keyStart, this.#out.position), value: null };
  }

  take(): ChangelogRecord {
    const { buffer, position } = this.#out;
    this.#roomBytes = Math.max(this.#roomBytes, 2 * (position - this.#keyStart));
    return { key: buffer.subarray(this.#keyStart, this.#keyEnd), value: buffer.subarray(this.#keyEnd, position) };
  }
}
