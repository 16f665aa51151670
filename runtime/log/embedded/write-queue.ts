import type { AbstractBatchOptions } from "abstract-level";
import { storageFailed } from "./refusals.ts";
import type { Change, LogDatabase, Write } from "./storage.ts";

interface Submission {
  readonly change: Change;
  resolve(): void;
  reject(error: unknown): void;
}

/** `sync`: what is acknowledged survives a power cut. memory-level ignores it. */
const DURABLE: AbstractBatchOptions<Buffer, Buffer> & { readonly sync: boolean } = { sync: true };

/**
 * The only writer of the log. Changes become durable and then visible strictly in the order of submission, each atomically;
 * those that come while a write is on its way share the next one (group commit).
 * After a failed write nothing is known about the disk, so every later submission fails too, until the log is opened again.
 */
export class WriteQueue {
  readonly #database: LogDatabase;
  #waiting: Submission[] = [];
  #isWriting = false;
  #failure: Error | undefined;

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  /** Why the queue no longer works, if so. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when the change is durable and visible. @throws DATA_DIR_UNUSABLE */
  submit(change: Change): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#isWriting) void this.#write();
    });
  }

  /** Resolves when everything submitted so far is durable, or has failed. */
  async settled(): Promise<void> {
    if (!this.#isWriting || this.#failure !== undefined) return;
    await this.submit({ writes: [], apply() {} }).catch(() => undefined);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#database.batch(writesOf(group), DURABLE);
      } catch (error) {
        this.#fail(error, group);
        break;
      }
      for (const submission of group) {
        submission.change.apply();
        submission.resolve();
      }
    }
    this.#isWriting = false;
  }

  #fail(cause: unknown, group: readonly Submission[]): void {
    const failure = storageFailed(cause);
    this.#failure = failure;
    for (const submission of [...group, ...this.#waiting]) submission.reject(failure);
    this.#waiting = [];
  }
}

function writesOf(group: readonly Submission[]): Write[] {
  if (group.length === 1) return group[0]!.change.writes as Write[];
  return group.flatMap((submission) => submission.change.writes);
}
