import { MemoryLevel } from "memory-level";
import { MulgilError } from "../schemas/mulgil-error.ts";
import { assertRelativePath, type Database, planQuarantine, type StateDisk } from "./disk.ts";
import type { KeyRange } from "./key-layout.ts";
import { type LevelDatabase, openLevelDatabase } from "./level-database.ts";
import { corruptedError, lockedError } from "./state-errors.ts";
import type { ChangelogRecord } from "./store.ts";

/** A disk in memory for simulations: the same semantics, and faults on demand. Deterministic: no timers, no I/O. */
export interface MemoryDisk extends StateDisk {
  /** What the death of a process does: handles at and below `prefix` stop working and hold their databases no longer. */
  abandon(prefix: string): void;
  /** The next write, and those after it, look done and are lost when the database is abandoned: they had not reached the disk. */
  tearNextWrite(path: string): void;
  /** The next write does nothing and rejects with `error`. */
  failNextWrite(path: string, error: Error): void;
  /** From now on the database does not open, until it is quarantined or removed. */
  corrupt(path: string): void;
}

type Snapshot = ReturnType<MemoryLevel<Buffer, Buffer>["snapshot"]>;

interface Drive {
  level: MemoryLevel<Buffer, Buffer>;
  /** What was on the disk when the process died. */
  survived: Snapshot | undefined;
  handle: MemoryDatabase | undefined;
  /** Settles when the level is closed, also if its process died meanwhile. */
  closed: Promise<void> | undefined;
  tearNext: boolean;
  failNext: Error | undefined;
  corrupted: boolean;
}

const newLevel = () => new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
const isWithin = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`);

export function memoryDisk(): MemoryDisk {
  const drives = new Map<string, Drive>();

  const drive = (path: string): Drive => {
    assertRelativePath(path);
    let found = drives.get(path);
    if (found === undefined) {
      found = {
        level: newLevel(),
        survived: undefined,
        handle: undefined,
        closed: undefined,
        tearNext: false,
        failNext: undefined,
        corrupted: false,
      };
      drives.set(path, found);
    }
    return found;
  };
  const within = (prefix: string) => [...drives].filter(([path]) => isWithin(path, prefix));
  const list = async (path: string) => {
    const below = within(path).filter(([other]) => other !== path);
    return [...new Set(below.map(([other]) => other.slice(path.length + 1).split("/")[0]!))].sort();
  };

  return {
    async open(path) {
      const opened = drive(path);
      if (opened.handle !== undefined) throw lockedError(path);
      if (opened.corrupted) throw corruptedError(path, "it was corrupted on purpose");
      const handle = new MemoryDatabase(path, opened);
      opened.handle = handle;
      try {
        await handle.open();
      } catch (error) {
        if (opened.handle === handle) opened.handle = undefined;
        throw error;
      }
      return handle;
    },

    async quarantine(path) {
      const above = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      const names = above === "" ? [...drives.keys()] : await list(above);
      const plan = planQuarantine(path.slice(path.lastIndexOf("/") + 1), names);
      const beside = (name: string) => (above === "" ? name : `${above}/${name}`);
      for (const old of plan.remove) drives.delete(beside(old));
      drives.set(beside(plan.target), drive(path));
      drives.delete(path);
      return beside(plan.target);
    },

    async remove(path) {
      for (const [name] of within(path)) drives.delete(name);
    },

    list,

    async sizeBytes(path) {
      const found = drives.get(path);
      if (found === undefined) return 0;
      let bytes = 0;
      for (const [key, value] of await found.level.iterator().all()) bytes += key.length + value.length;
      return bytes;
    },

    abandon(prefix) {
      for (const [, { handle }] of within(prefix)) handle?.abandon();
    },
    tearNextWrite(path) {
      drive(path).tearNext = true;
    },
    failNextWrite(path, error) {
      drive(path).failNext = error;
    },
    corrupt(path) {
      drive(path).corrupted = true;
    },
  };
}

class MemoryDatabase implements Database {
  readonly path: string;
  readonly #drive: Drive;
  #database: LevelDatabase | undefined;
  /** What the disk holds since a torn write; undefined if it holds everything. */
  #durable: Snapshot | undefined;
  #abandoned = false;
  #isClosing = false;

  constructor(path: string, drive: Drive) {
    this.path = path;
    this.#drive = drive;
  }

  async open(): Promise<void> {
    await this.#drive.closed;
    const { level, survived } = this.#drive;
    if (survived !== undefined) {
      const copy = await copyOfContents(level, survived);
      // Whoever opens it after a death in between starts from the same survivors.
      this.#assertAlive();
      this.#drive.survived = undefined;
      this.#drive.level = copy;
      await level.close();
    }
    this.#database = await openLevelDatabase(this.#drive.level, this.path);
    this.#assertAlive();
  }

  getSync(key: Buffer): Buffer | undefined {
    const value = this.#alive.getSync(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  async write(...changes: readonly (readonly ChangelogRecord[])[]): Promise<void> {
    const database = this.#alive;
    this.#injectFault();
    await database.write(...changes.map((group) => group.map(copyOf)));
  }

  #injectFault(): void {
    const { failNext, tearNext, level } = this.#drive;
    this.#drive.failNext = undefined;
    this.#drive.tearNext = false;
    if (failNext !== undefined) throw failNext;
    if (tearNext) this.#durable ??= level.snapshot();
  }

  /** Not MemoryLevel's own clear, which waits for a turn of the real event loop. */
  async clear(range: KeyRange): Promise<void> {
    const keys: ChangelogRecord[] = [];
    for await (const [key] of this.#alive.iterate(range)) keys.push({ key, value: null });
    await this.#alive.write(keys);
  }

  iterate(range: KeyRange): AsyncIterable<readonly [Buffer, Buffer]> {
    return this.#copy(this.#alive.iterate(range));
  }

  async *#copy(entries: AsyncIterable<readonly [Buffer, Buffer]>): AsyncGenerator<readonly [Buffer, Buffer]> {
    for await (const [key, value] of entries) {
      this.#assertAlive();
      yield [Buffer.from(key), Buffer.from(value)];
    }
  }

  async close(): Promise<void> {
    if (this.#abandoned || this.#drive.handle !== this) return;
    const database = this.#alive;
    this.#isClosing = true;
    await this.#durable?.close();
    this.#drive.closed = database.close();
    await this.#drive.closed;
    if (this.#drive.handle === this) this.#drive.handle = undefined;
  }

  abandon(): void {
    // Closing has brought everything to the disk.
    if (this.#database !== undefined && !this.#isClosing)
      this.#drive.survived = this.#durable ?? this.#drive.level.snapshot();
    this.#abandoned = true;
    this.#drive.handle = undefined;
  }

  get #alive(): LevelDatabase {
    this.#assertAlive();
    if (this.#database === undefined) throw new Error(`"${this.path}" is not open`);
    return this.#database;
  }

  #assertAlive(): void {
    if (!this.#abandoned) return;
    throw new MulgilError(`the process that opened "${this.path}" is dead`, {
      code: "STATE_ABANDONED",
      context: { file: this.path },
    });
  }
}

/** A new level, so that a write which was on its way when its process died cannot arrive later. */
async function copyOfContents(
  level: MemoryLevel<Buffer, Buffer>,
  snapshot: Snapshot,
): Promise<MemoryLevel<Buffer, Buffer>> {
  const copy = newLevel();
  const entries = await level.iterator({ snapshot }).all();
  await copy.batch(entries.map(([key, value]) => ({ type: "put", key, value })));
  return copy;
}

const copyOf = ({ key, value }: ChangelogRecord): ChangelogRecord => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});
