import type { Codec } from "../../state/codec.ts";
import { type EndedRecords, endedRecordsCodec } from "./input-progress.ts";
import { type StoredCounts, waitingCountsCodec } from "./waiting-counts.ts";

/** What a call's store "inputs" holds: the progress of each input under its topic, and what waits for each institution. */
export type CallInputsEntry =
  | ({ readonly kind: "ended" } & EndedRecords)
  | ({ readonly kind: "waiting" } & StoredCounts);

/** No topic begins like that. */
const WAITING_PREFIX = "/waiting/";

/** Each institution has an entry of its own: one for all would outgrow a record of the changelog. */
export const waitingEntry = (resource: string): string => `${WAITING_PREFIX}${resource}`;
export const resourceOf = (entry: string): string => entry.slice(WAITING_PREFIX.length);

export const callInputsCodec: Codec<CallInputsEntry> = {
  write(entry, out) {
    out.byte(entry.kind === "ended" ? 0 : 1);
    if (entry.kind === "ended") endedRecordsCodec.write(entry, out);
    else waitingCountsCodec.write(entry, out);
  },
  read(input) {
    return input.byte() === 0
      ? { kind: "ended", ...endedRecordsCodec.read(input) }
      : { kind: "waiting", ...waitingCountsCodec.read(input) };
  },
};
