import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { ClosableReader } from "../../state/changelog.ts";
import type { LogAccess, LogReader, TopicPartition } from "../log/port.ts";

const POLL_WAIT_MS = 1_000;
/** Silence of the log for this long, with records still to come, ends a restore with an error. */
const SILENCE_MAX_POLLS = 60;

/** Opens a changelog partition for restoring, with its bounds as of now; as if it ended at `upTo`, if that is given. Close the reader afterwards. */
export async function openChangelogReader(
  log: LogAccess,
  changelog: TopicPartition,
  incarnation: string,
  upTo = Infinity,
): Promise<ClosableReader> {
  const [start] = await log.listOffsets([changelog], "earliest", "read_committed");
  const [end] = await log.listOffsets([changelog], "latest", "read_committed");
  let reader: LogReader | undefined;
  let position = -1;
  return {
    ...changelog,
    incarnation,
    startOffset: start!.offset,
    endOffset: Math.min(end!.offset, upTo),
    async read(offset) {
      reader ??= await log.openReader({ isolation: "read_committed" });
      if (position !== offset) reader.assign([{ ...changelog, offset }]);
      for (let polls = 0; polls < SILENCE_MAX_POLLS; polls++) {
        const batches = await reader.poll(POLL_WAIT_MS).catch((error: unknown) => {
          throw isOutOfRange(error) ? overtaken(changelog, offset, error) : error;
        });
        if (batches.length === 0) continue;
        position = batches.at(-1)!.nextOffset;
        return {
          records: batches.flatMap((batch) =>
            batch.records.flatMap((record) =>
              record.offset < upTo ? [{ key: record.key!, value: record.value }] : [],
            ),
          ),
          nextOffset: position,
        };
      }
      throw new MulgilError(
        `changelog "${changelog.topic}" [${changelog.partition}] should have records up to ${end!.offset}, but none come after ${offset}: is the log reachable, and a transaction left open on it?`,
        { code: "RESTORE_SILENT", context: { topic: changelog.topic, partition: changelog.partition, offset } },
      );
    },
    async close() {
      await reader?.close();
    },
  };
}

const isOutOfRange = (error: unknown): boolean =>
  error instanceof MulgilError && error.code === "LOG_OFFSET_OUT_OF_RANGE";

/** Whether what is left will do shows when the restore begins again. */
const overtaken = ({ topic, partition }: TopicPartition, offset: number, cause: unknown): MulgilError =>
  new MulgilError(
    `changelog "${topic}" partition ${partition}: the records from ${offset} on were removed while they were being read; the restore begins again`,
    { code: "RESTORE_OVERTAKEN", context: { topic, partition, offset }, cause },
  );
