import { ByteReader } from "../../state/byte-reader.ts";
import { payloadOffset, readOrderedInteger, timedKeyOffset, timedPayloadOffset } from "../../state/key-layout.ts";
import { type EntryMask, type MaskedEntry, unmasked } from "./entry-mask.ts";
import { entryKeyTypeOf, keyTypeOf, shownKey } from "./key-text.ts";
import { entryView, type StoredEntry } from "./read-store.ts";
import { type StoreOfStep, storeCodecs } from "./store-codecs.ts";

/** An entry as it is shown, in what JSON has: decimals as texts with all their digits, bytes as base64. */
export interface ShownEntry extends MaskedEntry {
  /** Of the latest record that has changed it; absent if the entry cannot be read. */
  readonly eventTimeMs?: number;
}

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
  const withJsonKeys = (entry: StoredEntry): StoredEntry => ({
    key: shownKey(keyType, entry.key),
    ...("entryKey" in entry && { entryKey: shownKey(entryKeyType, entry.entryKey) }),
    ...(entry.windowStartMs !== undefined && { windowStartMs: entry.windowStartMs }),
    value: entry.value,
  });
  return (key, value) => {
    try {
      const eventTimeMs = value.readDoubleBE(0);
      const decoded = values.read(new ByteReader(value, valueOffset));
      const windowStartMs = kind === "window" ? readOrderedInteger(key, 1) : undefined;
      const entries = view(keys.decode(key.subarray(keyOffset)), decoded, windowStartMs);
      return entries.map((entry) => ({ ...mask.show(withJsonKeys(entry)), eventTimeMs }));
    } catch (error) {
      return [unreadable(key, value, (error as Error).message, mask)];
    }
  };
}

const unreadable = (key: Buffer, value: Buffer, error: string, mask: EntryMask): ShownEntry => ({
  ...{ key: mask.bytes(key), value: mask.bytes(value, error) },
  ...(!mask.isOpen && { masked: ["key", "value"] }),
});
