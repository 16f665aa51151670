import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import type { Codec } from "../../state/codec.ts";

/** What a record has been through since it was first taken up. Wall-clock times. */
export interface Travel {
  /** Calls that were made and failed. */
  readonly attempts: number;
  /** Times that it has waited without a call since the last one. */
  readonly waits: number;
  /** Of the first call; undefined before it. */
  readonly firstCallMs: number | undefined;
  /** In tiers because no call was possible. */
  readonly waitedMs: number;
  /** When it went to the tier that it is in, if it waits there; undefined if it is to be tried again because it failed. */
  readonly waitingFromMs: number | undefined;
  /** When it first went to a tier; undefined before that. */
  readonly sinceMs: number | undefined;
  /** It hops from tier to tier until then. */
  readonly notBeforeMs: number;
}

export const untravelled: Travel = Object.freeze({
  attempts: 0,
  waits: 0,
  firstCallMs: undefined,
  waitedMs: 0,
  waitingFromMs: undefined,
  sinceMs: undefined,
  notBeforeMs: 0,
});

/** A record of a call's input byte for byte, wherever it is now, and what it has been through. */
export interface Parcel {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>> | undefined;
  readonly travel: Travel;
  /** As the call's functions said when the record was first taken up; undefined before that. */
  readonly address: Address | undefined;
}

/** Where a record belongs, known without decoding it. */
export interface Address {
  readonly resource: string;
  readonly orderKey: string | undefined;
  readonly subject: string | undefined;
}

/** On records in retry tiers: everything of a parcel but key, value and the record's own headers. */
export const PARCEL_HEADER = "mulgil.call";

const LAYOUT_VERSION = 1;

/** The header's bytes. */
export function packParcel(parcel: Parcel): Buffer {
  const out = new ByteWriter(128);
  writeLabel(parcel, out);
  return out.buffer.subarray(0, out.position);
}

/** @throws if the bytes are not such a header's: anybody may have written them */
export function unpackParcel(label: Buffer, content: Pick<Parcel, "key" | "value" | "headers">): Parcel {
  const input = new ByteReader(label);
  const read = readLabel(input);
  const { partition, offset, timestampMs, travel } = read;
  const { attempts, waits, firstCallMs = 0, waitedMs, waitingFromMs = 0, sinceMs = 0, notBeforeMs } = travel;
  const isSound =
    input.remaining === 0 &&
    [partition, offset, attempts, waits].every((count) => Number.isSafeInteger(count) && count >= 0) &&
    [timestampMs, firstCallMs, waitedMs, waitingFromMs, sinceMs, notBeforeMs].every((timeMs) =>
      Number.isSafeInteger(Math.trunc(timeMs)),
    );
  if (!isSound) throw new RangeError("it says what cannot be");
  return { ...read, ...content };
}

/** How parcels lie in the state of a call. */
export const parcelCodec: Codec<Parcel> = {
  write(parcel, out) {
    writeLabel(parcel, out);
    writeOptionalBytes(parcel.key, out);
    writeOptionalBytes(parcel.value, out);
    const headers = Object.entries(parcel.headers ?? {});
    out.integer(headers.length);
    for (const [name, value] of headers) {
      out.string(name);
      out.bytes(value);
    }
  },
  read(input) {
    const label = readLabel(input);
    const key = readOptionalBytes(input);
    const value = readOptionalBytes(input);
    const headers = Array.from(
      { length: input.integer() },
      () => [input.string(), Buffer.from(input.bytes())] as const,
    );
    return { ...label, key, value, headers: headers.length === 0 ? undefined : Object.fromEntries(headers) };
  },
};

function writeLabel({ topic, partition, offset, timestampMs, travel, address }: Parcel, out: ByteWriter): void {
  out.byte(LAYOUT_VERSION);
  out.string(topic);
  out.integer(partition);
  out.integer(offset);
  out.double(timestampMs);
  out.integer(travel.attempts);
  out.integer(travel.waits);
  writeOptionalTime(travel.firstCallMs, out);
  out.double(travel.waitedMs);
  writeOptionalTime(travel.waitingFromMs, out);
  writeOptionalTime(travel.sinceMs, out);
  out.double(travel.notBeforeMs);
  out.byte(address === undefined ? 0 : 1);
  if (address === undefined) return;
  out.string(address.resource);
  writeOptionalString(address.orderKey, out);
  writeOptionalString(address.subject, out);
}

function readLabel(input: ByteReader): Omit<Parcel, "key" | "value" | "headers"> {
  const layout = input.byte();
  if (layout !== LAYOUT_VERSION)
    throw new RangeError(`a waiting record has layout ${layout}, expected ${LAYOUT_VERSION}`);
  return {
    topic: input.string(),
    partition: input.integer(),
    offset: input.integer(),
    timestampMs: input.double(),
    travel: {
      attempts: input.integer(),
      waits: input.integer(),
      firstCallMs: readOptionalTime(input),
      waitedMs: input.double(),
      waitingFromMs: readOptionalTime(input),
      sinceMs: readOptionalTime(input),
      notBeforeMs: input.double(),
    },
    address:
      input.byte() === 0
        ? undefined
        : { resource: input.string(), orderKey: readOptionalString(input), subject: readOptionalString(input) },
  };
}

const writeOptionalTime = (timeMs: number | undefined, out: ByteWriter) => out.double(timeMs ?? Number.NaN);

function readOptionalTime(input: ByteReader): number | undefined {
  const timeMs = input.double();
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function writeOptionalString(text: string | undefined, out: ByteWriter): void {
  out.byte(text === undefined ? 0 : 1);
  if (text !== undefined) out.string(text);
}

const readOptionalString = (input: ByteReader): string | undefined => (input.byte() === 0 ? undefined : input.string());

function writeOptionalBytes(bytes: Buffer | null, out: ByteWriter): void {
  out.byte(bytes === null ? 0 : 1);
  if (bytes !== null) out.bytes(bytes);
}

/** A copy: what is read from a store is a view of what LevelDB gave. */
const readOptionalBytes = (input: ByteReader): Buffer | null =>
  input.byte() === 0 ? null : Buffer.from(input.bytes());
