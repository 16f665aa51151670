import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { UnreadableRow } from "../input/row.ts";

const SHOWN_MAX = 20;

/** Keeps the rows that could not be written: all of them in a file, the first ones also before the reader's eyes. */
export class Rejects {
  readonly file: string;
  readonly #say: (line: string) => void;
  #stream: WriteStream | undefined;
  #count = 0;

  constructor(file: string, say: (line: string) => void) {
    this.file = file;
    this.#say = say;
  }

  get count(): number {
    return this.#count;
  }

  /** The file appears with the first row, and replaces that of an earlier attempt. */
  async add({ line, error, raw }: UnreadableRow): Promise<void> {
    this.#count++;
    if (this.#count <= SHOWN_MAX) this.#say(`line ${line}: ${error}`);
    else if (this.#count === SHOWN_MAX + 1) this.#say(`… and more: the rest stands only in ${this.file}`);
    this.#stream ??= createWriteStream(this.file, { mode: 0o600 });
    if (!this.#stream.write(`${JSON.stringify({ line, error, raw })}\n`)) await once(this.#stream, "drain");
  }

  async close(): Promise<void> {
    if (this.#stream === undefined) return;
    this.#stream.end();
    await finished(this.#stream);
  }
}
