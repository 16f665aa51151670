import type { LogAccess } from "../../runtime/log/port.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type ReadRecord, upTo } from "../read/read-topic.ts";

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

/** A few records of a topic by their offsets; undefined for one that was removed meanwhile. */
export async function fetchRecords(
  log: Pick<LogAccess, "openReader">,
  topic: string,
  places: readonly (RecordPlace | undefined)[],
  signal: AbortSignal,
): Promise<readonly (ReadRecord | undefined)[]> {
  const found: (ReadRecord | undefined)[] = [];
  for (const place of places) {
    found.push(place && (await fetchRecord(log, topic, place, signal)));
    signal.throwIfAborted();
  }
  return found;
}

async function fetchRecord(
  log: Pick<LogAccess, "openReader">,
  topic: string,
  { partition, offset }: RecordPlace,
  signal: AbortSignal,
): Promise<ReadRecord | undefined> {
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    for await (const [record] of upTo(reader, { topic, partition, offset }, offset + 1, signal)) return record;
    return undefined;
  } catch (error) {
    // Retention has removed it; compaction leaves a hole, which is passed over.
    if (error instanceof MulgilError && error.code === "LOG_OFFSET_OUT_OF_RANGE") return undefined;
    throw error;
  } finally {
    await reader.close();
  }
}
