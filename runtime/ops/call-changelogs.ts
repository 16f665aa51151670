import { keySerde } from "../../schemas/key-serde.ts";
import { ByteReader } from "../../state/byte-reader.ts";
import type { Codec, KeyCodec } from "../../state/codec.ts";
import { dataPrefix, payloadOffset } from "../../state/key-layout.ts";
import type { LogAccess } from "../log/port.ts";
import { scanPartition } from "../log/read-partition.ts";
import { compositeKeyCodec } from "../operators/composite-key.ts";
import { changelogTopic } from "../plan/internal-topics.ts";
import { callInputsCodec } from "../resilience/call-inputs-entry.ts";
import type { EndedRecords } from "../resilience/input-progress.ts";
import { strictKeyCodec } from "../resilience/order-codecs.ts";
import { type Parcel, parcelCodec } from "../resilience/parcel.ts";
import type { StrictKey } from "../resilience/strict-order.ts";

/** Where the state of a call lies: as of the last commit of its task. */
export interface CallStateOf {
  readonly job: string;
  readonly step: string;
  readonly partition: number;
}

/** Which records of the inputs of a call have ended, by topic. */
export async function readEndedRecords(log: LogAccess, of: CallStateOf): Promise<ReadonlyMap<string, EndedRecords>> {
  const ended = new Map<string, EndedRecords>();
  await scanStore(log, of, "inputs", (key, value) => {
    const topic = TEXT.decode(key) as string;
    const entry = value === undefined ? undefined : decoded(callInputsCodec, value);
    if (entry?.kind === "ended") ended.set(topic, entry);
    else ended.delete(topic);
  });
  return ended;
}

/** Order keys with a record that has not ended, where the call is strict. */
export async function readStrictKeys(log: LogAccess, of: CallStateOf): Promise<ReadonlyMap<string, StrictKey>> {
  const keys = new Map<string, StrictKey>();
  await scanStore(log, of, "keys", (key, value) => {
    const orderKey = TEXT.decode(key) as string;
    if (value === undefined) keys.delete(orderKey);
    else keys.set(orderKey, decoded(strictKeyCodec, value));
  });
  return keys;
}

/** What is known of a held record without its content. */
export type HeldRecord = Pick<Parcel, "address" | "travel">;

/** What is held behind unfinished records, by order key and then by place. */
export async function readHeld(
  log: LogAccess,
  of: CallStateOf,
): Promise<ReadonlyMap<string, ReadonlyMap<number, HeldRecord>>> {
  const held = new Map<string, Map<number, HeldRecord>>();
  await scanStore(log, of, "held", (bytes, value) => {
    const { key, entry } = HELD_KEY.decode(bytes) as { readonly key: string; readonly entry: number };
    if (value === undefined) {
      held.get(key)?.delete(entry);
      if (held.get(key)?.size === 0) held.delete(key);
      return;
    }
    const records = held.get(key) ?? new Map<number, HeldRecord>();
    held.set(key, records);
    const { address, travel } = decoded(parcelCodec, value);
    records.set(entry, { address, travel });
  });
  return held;
}

const TEXT = keySerde("string") as KeyCodec<unknown>;
const HELD_KEY = compositeKeyCodec(TEXT, keySerde("long") as KeyCodec<unknown>);

/** The entries of a key-value store in the order in which they changed; a value is undefined where one was deleted. */
async function scanStore(
  log: LogAccess,
  { job, step, partition }: CallStateOf,
  store: "inputs" | "keys" | "held",
  visit: (key: Buffer, value: Buffer | undefined) => void,
): Promise<void> {
  const where = { topic: changelogTopic(job, `${step}.${store}`), partition };
  const [start] = await log.listOffsets([where], "earliest", "read_committed");
  await scanPartition(log, start!, (records) => {
    for (const { key, value } of records)
      if (key !== null && key[0] === dataPrefix) visit(key.subarray(1), value ?? undefined);
  });
}

const decoded = <T>(codec: Codec<T>, value: Buffer): T => codec.read(new ByteReader(value, payloadOffset));
