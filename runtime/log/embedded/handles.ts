import { closed } from "./refusals.ts";

interface Closable {
  close(): Promise<void>;
}

/** What one connection has opened in the owner, by number. Ends with the connection. */
export class Handles<T extends Closable> {
  /** What they are called when one is used after its end. */
  readonly #what: string;
  readonly #open = new Map<number, T>();
  #count = 0;
  #isClosed = false;

  constructor(what: string) {
    this.#what = what;
  }

  /** @returns its number */
  async add(opened: T): Promise<number> {
    if (this.#isClosed) {
      await opened.close();
      throw closed("connection");
    }
    this.#count += 1;
    this.#open.set(this.#count, opened);
    return this.#count;
  }

  /** @throws LOG_CLOSED */
  get(number: number): T {
    const found = this.#open.get(number);
    if (found === undefined) throw closed(this.#what);
    return found;
  }

  async close(number: number): Promise<void> {
    const found = this.#open.get(number);
    this.#open.delete(number);
    await found?.close();
  }

  async closeAll(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map((each) => each.close()));
  }
}
