import { ByteReader } from "../../state/byte-reader.ts";
import { payloadOffset, readOrderedInteger, timedKeyOffset, timedPayloadOffset } from "../../state/key-layout.ts";
import { entryKeyTypeOf, keyTypeOf, shownKey } from "./key-text.ts";
import { plainJson } from "./plain-json.ts";
import { entryView, type StoredEntry } from "./read-store.ts";
import { type StoreOfStep, storeCodecs } from "./store-codecs.ts";

/** An entry as it is shown, in what JSON has: decimals as texts with all their digits, bytes as base64. */
export interface ShownEntry extends StoredEntry {
  /** Of the latest record that has changed it; absent if the entry cannot be read. */
  readonly eventTimeMs?: number;
}

/** Hides what is personal in an entry. */
export type EntryMask = (entry: ShownEntry, of: StoreOfStep) => ShownEntry;

/** What schemas say nothing of is shown as it is. */
export const unmasked: EntryMask = (entry) => entry;

/** Turns entries as they lie in LevelDB and the changelog into what people see. One that cannot be read is shown as bytes. */
export function entryReader(
  store: StoreOfStep,
  mask: EntryMask = unmasked,
): (key: Buffer, value: Buffer) => readonly ShownEntry[] {
  const { kind } = store.planned;
  const { keys, values } = storeCodecs(store);
  const view = entryView(store);
  const keyOffset = kind === "window" ? timedKeyOffset : 1;
  const valueOffset = kind === "timeIndexed" ? timedPayloadOffset : payloadOffset;
  const keyType = keyTypeOf(store.node);
  const entryKeyType = entryKeyTypeOf(store.planned, store.node);
  const shown = (entry: StoredEntry, eventTimeMs: number): ShownEntry => ({
    key: shownKey(keyType, entry.key),
    ...("entryKey" in entry && { entryKey: shownKey(entryKeyType, entry.entryKey) }),
    ...(entry.windowStartMs !== undefined && { windowStartMs: entry.windowStartMs }),
    value: plainJson(entry.value),
    eventTimeMs,
  });
  return (key, value) => {
    try {
      const eventTimeMs = value.readDoubleBE(0);
      const decoded = values.read(new ByteReader(value, valueOffset));
      const windowStartMs = kind === "window" ? readOrderedInteger(key, 1) : undefined;
      const entries = view(keys.decode(key.subarray(keyOffset)), decoded, windowStartMs);
      return entries.map((entry) => mask(shown(entry, eventTimeMs), store));
    } catch (error) {
      return [unreadable(key, value, error as Error)];
    }
  };
}

const unreadable = (key: Buffer, value: Buffer, { message }: Error): ShownEntry => ({
  key: { $bytes: key.toString("base64") },
  value: { $bytes: value.toString("base64"), $error: message },
});
