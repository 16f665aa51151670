import type { KeyRange } from "./key-layout.ts";
import type { ChangelogRecord, CommittedEntries } from "./store.ts";

/** Where a task's stores live. Paths are relative, "job/task/store". */
export interface StateDisk {
  /**
   * Opens a store's database, new if it does not exist, for this process only.
   * @throws MulgilError STATE_LOCKED if another process has it, STATE_CORRUPTED if it must be quarantined and rebuilt,
   *   STATE_DISK_FULL, STATE_OPEN_FAILED
   */
  open(path: string): Promise<Database>;
  /** Moves a closed database aside, to `<path>.quarantine-<n>`, with the reason beside it; keeps the three latest. Returns where it is now. */
  quarantine(path: string, reason: string): Promise<string>;
  /** Deletes a closed database, or a folder of them. */
  remove(path: string): Promise<void>;
  /** The names of the folders in `path`, sorted, quarantined ones included; none if it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** What the database takes on the disk; 0 if it does not exist. It may be open. */
  sizeBytes(path: string): Promise<number>;
  /** The disk as a whole. Absent where nobody can say. */
  space?(): Promise<DiskSpace>;
}

export interface DiskSpace {
  /** For this user. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** An ordered map from bytes to bytes, as little of LevelDB as a store needs. Bytes that it returns belong to the caller. */
export interface Database extends CommittedEntries {
  /** For messages. */
  readonly path: string;
  /**
   * Writes all groups of changes, in their order, as one atomic batch. Returns when the operating system has it.
   * After a write that failed the next one reopens the database first; reads fail while it does.
   * @throws MulgilError STATE_DISK_FULL, STATE_WRITE_FAILED
   */
  write(...changes: readonly (readonly ChangelogRecord[])[]): Promise<void>;
  /** Deletes a range. Not atomic: a crash may leave a part of it. */
  clear(range: KeyRange): Promise<void>;
  close(): Promise<void>;
}

const quarantineSuffix = ".quarantine-";
const quarantinesMax = 3;

/** Where the database `name` goes among `names`, and which earlier ones make room. */
export function planQuarantine(name: string, names: readonly string[]): { target: string; remove: readonly string[] } {
  const prefix = name + quarantineSuffix;
  const numbers = names
    .filter((other) => other.startsWith(prefix) && /^\d+$/.test(other.slice(prefix.length)))
    .map((other) => Number(other.slice(prefix.length)))
    .sort((a, b) => a - b);
  const remove = numbers.slice(0, Math.max(0, numbers.length - quarantinesMax + 1)).map((number) => prefix + number);
  return { target: `${prefix}${(numbers.at(-1) ?? 0) + 1}`, remove };
}

/** Throws unless the path stays inside the disk. */
export function assertRelativePath(path: string): void {
  const bad = path
    .split("/")
    .some((part) => part === "" || part === "." || part === ".." || part.includes("\\") || part.includes("\0"));
  if (bad) throw new TypeError(`"${path}" is no relative path of a store: expected names joined by "/"`);
}
