import type { AbstractIterator, AbstractLevel } from "abstract-level";
import type { Database } from "./disk.ts";
import { formatKey, type KeyRange } from "./key-layout.ts";
import { corruptedError, diskError } from "./state-errors.ts";
import type { ChangelogRecord } from "./store.ts";

export type BufferLevel = AbstractLevel<string | Buffer | Uint8Array, Buffer, Buffer>;

const formatVersion = Buffer.from("1");
const firstReadEntries = 100;
const readEntries = 1000;
const readBytes = 256 * 1024;
/** Filling a batch blocks the event loop for about 0.5 µs an entry. */
const uninterruptedPuts = 10_000;

/** Opens a database and checks that its layout is ours. `nextTurn` lets the event loop turn while a large batch is filled. */
export async function openLevelDatabase(
  level: BufferLevel,
  path: string,
  nextTurn?: () => Promise<void>,
): Promise<LevelDatabase> {
  try {
    await level.open();
    const version = level.getSync(formatKey);
    if (version === undefined) await writeFormat(level, path);
    else if (!version.equals(formatVersion))
      throw corruptedError(
        path,
        `its layout is version ${version.toString()}, this Mulgil writes version ${formatVersion.toString()}`,
      );
  } catch (cause) {
    await level.close();
    throw diskError("open", path, cause);
  }
  return new LevelDatabase(level, path, nextTurn);
}

async function writeFormat(level: BufferLevel, path: string): Promise<void> {
  const [key] = await level.keys({ limit: 1 }).all();
  if (key !== undefined) throw corruptedError(path, "it holds entries but no layout version");
  await level.put(formatKey, formatVersion);
}

/** Database over anything with the interface of abstract-level. */
export class LevelDatabase implements Database {
  readonly path: string;
  readonly #level: BufferLevel;
  readonly #nextTurn: (() => Promise<void>) | undefined;
  #writeFailed = false;
  #closed = false;

  constructor(level: BufferLevel, path: string, nextTurn?: () => Promise<void>) {
    this.#level = level;
    this.path = path;
    this.#nextTurn = nextTurn;
  }

  getSync(key: Buffer): Buffer | undefined {
    try {
      return this.#level.getSync(key);
    } catch (cause) {
      throw diskError("read", this.path, cause);
    }
  }

  async write(...changes: readonly (readonly ChangelogRecord[])[]): Promise<void> {
    try {
      if (this.#writeFailed) await this.#reopen();
      await this.#write(changes);
    } catch (cause) {
      this.#writeFailed = true;
      throw diskError("write", this.path, cause);
    }
  }

  async #write(changes: readonly (readonly ChangelogRecord[])[]): Promise<void> {
    const batch = this.#level.batch();
    let filled = 0;
    for (const group of changes) {
      for (const { key, value } of group) {
        if (value === null) batch.del(key);
        else batch.put(key, value);
        if (++filled % uninterruptedPuts === 0) await this.#nextTurn?.();
      }
    }
    await batch.write();
  }

  /**
   * A failed write can leave half a record in LevelDB's log. LevelDB would go on behind it, and at the next start silently skip
   * what follows in the same block. Opening again starts a new log.
   */
  async #reopen(): Promise<void> {
    if (this.#closed) return;
    await this.#level.close();
    await this.#level.open();
    this.#writeFailed = false;
  }

  async clear(range: KeyRange): Promise<void> {
    try {
      await this.#level.clear(levelRange(range));
    } catch (cause) {
      this.#writeFailed = true;
      throw diskError("write", this.path, cause);
    }
  }

  iterate(range: KeyRange): AsyncIterable<readonly [Buffer, Buffer]> {
    const options = { ...levelRange(range), highWaterMarkBytes: readBytes };
    return this.#read(this.#level.iterator<Buffer, Buffer>(options));
  }

  async *#read(iterator: AbstractIterator<BufferLevel, Buffer, Buffer>): AsyncGenerator<readonly [Buffer, Buffer]> {
    try {
      let entries = await iterator.nextv(firstReadEntries);
      while (entries.length > 0) {
        yield* entries;
        entries = await iterator.nextv(readEntries);
      }
    } catch (cause) {
      throw diskError("read", this.path, cause);
    } finally {
      await iterator.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#level.close();
  }
}

function levelRange({ entriesMax, ...range }: KeyRange) {
  return entriesMax === undefined ? range : { ...range, limit: entriesMax };
}
