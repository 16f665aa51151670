import type { FetchedRecord, LogAccess } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { DEAD_LETTER_HEADERS } from "../../worker/dead-letter.ts";
import type { DeadLetterMarks } from "../dead-letter-marks.ts";
import type { DeadLetterGroup } from "./facts.ts";

const HOUR_MS = 3_600_000;
const LATELY_MS = 600_000;
/** Of the newest; the counts of a larger burst are of these. */
const LETTERS_MAX = 5_000;
const POLL_WAIT_MS = 500;
const WAIT_MAX_MS = 5_000;

/** The dead letters of the last hour that nobody has dealt with yet, by code, step and source. `topic` is a DLQ, which must exist. */
export async function deadLetterGroups(
  log: Pick<LogAccess, "listOffsets" | "openReader">,
  topic: string,
  { clock, marks }: { readonly clock: Clock; readonly marks: DeadLetterMarks },
): Promise<readonly DeadLetterGroup[]> {
  const open = (await lastHour(log, topic, clock)).filter(
    ({ offset }) => marks.of({ partition: 0, offset }) === undefined,
  );
  return grouped(open, clock.now());
}

async function lastHour(log: Pick<LogAccess, "listOffsets" | "openReader">, topic: string, clock: Clock) {
  const where = [{ topic, partition: 0 }];
  const nowMs = clock.now();
  const [from] = await log.listOffsets(where, { atOrAfterMs: nowMs - HOUR_MS }, "read_committed");
  const [end] = await log.listOffsets(where, "latest", "read_committed");
  const letters: FetchedRecord[] = [];
  let position = Math.max(from!.offset, end!.offset - LETTERS_MAX);
  if (position >= end!.offset) return letters;
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    reader.assign([{ ...where[0]!, offset: position }]);
    while (position < end!.offset && clock.now() < nowMs + WAIT_MAX_MS) {
      for (const batch of await reader.poll(POLL_WAIT_MS)) {
        letters.push(...batch.records);
        position = batch.nextOffset;
      }
    }
  } finally {
    await reader.close();
  }
  return letters;
}

/** Pure. */
export function grouped(letters: readonly FetchedRecord[], nowMs: number): readonly DeadLetterGroup[] {
  const recent = letters.filter(({ timestampMs }) => timestampMs >= nowMs - HOUR_MS);
  const byKind = Map.groupBy(recent, (letter) =>
    JSON.stringify([header(letter, "code"), header(letter, "step"), header(letter, "topic")]),
  );
  return [...byKind.values()].map((alike) => {
    const last = alike.at(-1)!;
    const times = alike.map(({ timestampMs }) => timestampMs);
    const topic = header(last, "topic");
    return {
      ...{ code: header(last, "code") ?? "unknown", step: header(last, "step") ?? "unknown", topic },
      count: alike.length,
      lately: times.filter((timeMs) => timeMs >= nowMs - LATELY_MS).length,
      firstMs: Math.min(...times),
      lastMs: Math.max(...times),
      example:
        topic === undefined
          ? undefined
          : { partition: Number(header(last, "partition")), offset: Number(header(last, "offset")) },
    };
  });
}

const header = ({ headers }: FetchedRecord, name: "code" | "step" | "topic" | "partition" | "offset") =>
  headers?.[DEAD_LETTER_HEADERS[name]]?.toString();
