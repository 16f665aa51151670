import type { Codec } from "../../state/codec.ts";
import { type EndedRecords, endedRecordsCodec } from "./input-progress.ts";
import { type StoredCounts, waitingCountsCodec } from "./waiting-counts.ts";

/** What a call's store "inputs" holds: the progress of each input under its topic, and what waits. */
export type CallInputsEntry =
  | ({ readonly kind: "ended" } & EndedRecords)
  | { readonly kind: "waiting"; readonly counts: StoredCounts };

/** No topic is called like that. */
export const WAITING_ENTRY = "/waiting";

export const callInputsCodec: Codec<CallInputsEntry> = {
  write(entry, out) {
    out.byte(entry.kind === "ended" ? 0 : 1);
    if (entry.kind === "ended") endedRecordsCodec.write(entry, out);
    else waitingCountsCodec.write(entry.counts, out);
  },
  read(input) {
    return input.byte() === 0
      ? { kind: "ended", ...endedRecordsCodec.read(input) }
      : { kind: "waiting", counts: waitingCountsCodec.read(input) };
  },
};
