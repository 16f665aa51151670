import type { AbstractLevel } from "abstract-level";

/** The database under the log: LevelDB, or memory-level in tests. Keys and values are buffers. */
export type LogDatabase = AbstractLevel<string | Buffer | Uint8Array, Buffer, Buffer>;

export interface PutWrite {
  readonly type: "put";
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface DelWrite {
  readonly type: "del";
  readonly key: Buffer;
}

/** A part of one atomic change. */
export type Write = PutWrite | DelWrite;

export const put = (key: Buffer, value: Buffer): PutWrite => ({ type: "put", key, value });
export const del = (key: Buffer): DelWrite => ({ type: "del", key });

/** What changes state: the writes that make it durable, and what becomes visible once they are. */
export interface Change {
  readonly writes: readonly Write[];
  apply(): void;
}

/** Changes that become durable together, and visible in their order. */
export const together = (changes: readonly Change[]): Change => ({
  writes: changes.flatMap(({ writes }) => writes),
  apply() {
    for (const change of changes) change.apply();
  },
});
