import { once } from "node:events";
import type { Writable } from "node:stream";

const CHUNK_CHARACTERS = 64 * 1024;

/** Writes lines in chunks, and waits while the reader of the pipe is slower than we are. */
export class TextOutput {
  readonly #stream: Writable;
  #pending = "";

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  async line(text: string): Promise<void> {
    this.#pending += `${text}\n`;
    if (this.#pending.length >= CHUNK_CHARACTERS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "" && !this.#stream.write(text)) await once(this.#stream, "drain");
  }
}
