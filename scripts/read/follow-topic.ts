import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type LogLocation, type OpenLog, withLog } from "../environment/open-log.ts";
import { partitionsOf, type ReadOptions, type ReadRecord, readTopic } from "./read-topic.ts";
import { startOffsets } from "./start-position.ts";

export interface FollowOptions extends ReadOptions {
  readonly where: LogLocation;
  readonly signal: AbortSignal;
  /** @returns false to end */
  readonly onRecords: (records: readonly ReadRecord[], directory: OpenLog) => Promise<boolean>;
}

/** Long enough for a job that waits for the directory to get it. */
const AWAY_MS = 300;

/**
 * Reads a topic and what arrives in it, until the signal. While another process has the data directory, it is that one's guest, and it
 * survives its end. While nobody has it, it looks in again and again instead of holding it: a job can start at any time.
 */
export async function followTopic(options: FollowOptions): Promise<void> {
  const { where, signal } = options;
  const positions = new Map<number, number>();
  let isOver = false;
  while (!isOver && !signal.aborted) {
    try {
      isOver = await withLog(where, (directory) => look(directory, positions, options));
    } catch (error) {
      if (!(error instanceof MulgilError) || error.code !== "LOG_CONNECTION_LOST") throw error;
    }
    if (!isOver) await systemClock.sleep(AWAY_MS, signal);
  }
}

/** The first look settles where to begin: "latest" is the end as of then. */
async function look(directory: OpenLog, positions: Map<number, number>, options: FollowOptions): Promise<boolean> {
  const { log, role } = directory;
  if (positions.size === 0) {
    const partitions = await partitionsOf(log, options.topic, options.partition);
    for (const { partition, offset } of await startOffsets(log, partitions, options.from))
      positions.set(partition, offset);
  }
  const from = { kind: "resume", offsets: positions } as const;
  for await (const records of readTopic(log, { ...options, from, follow: role === "client" })) {
    const last = records.at(-1)!;
    if (!(await options.onRecords(records, directory))) return true;
    positions.set(last.partition, last.offset + 1);
  }
  return false;
}
