import { MulgilError } from "../../schemas/mulgil-error.ts";
import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import { dataKey, dataRange, type KeyRange, timedKeyOffset, windowKey, windowRange } from "../../state/key-layout.ts";
import { entryKeyTypeOf, keyFromText, keyTypeOf } from "./key-text.ts";
import type { StoredEntry } from "./read-store.ts";
import { type StoreCodecs, type StoreOfStep, storeCodecs } from "./store-codecs.ts";

/** Which entries of a store somebody wants; all if nothing is said. Keys are texts: see `keyFromText`. */
export interface EntryQuery {
  readonly key?: string;
  /** With `key`: one entry of a `mapStore`. */
  readonly entryKey?: string;
  /** Keys that begin so. */
  readonly prefix?: string;
  /** Windows that start from then on, and before then. */
  readonly fromWindowMs?: number;
  readonly toWindowMs?: number;
}

/** A query in the bytes of a store. */
export interface EntrySelection {
  /** Where the entries lie, as narrow as the layout allows. */
  readonly range: KeyRange;
  /** The only key that there can be: it is read, not searched. */
  readonly point: Buffer | undefined;
  /** Of what lies in the range. */
  readonly isWanted: (key: Buffer) => boolean;
  /** Of what an entry holds: a key has several windows under it where they are sessions or slide. */
  readonly isShown: (entry: StoredEntry) => boolean;
}

/**
 * @throws {MulgilError} STATE_KEY if the key is none of this store, STATE_QUERY if the store cannot be asked so
 */
export function selectEntries(store: StoreOfStep, query: EntryQuery): EntrySelection {
  assertPossible(store, query);
  const codecs = storeCodecs(store);
  const key = query.key === undefined ? undefined : codedKey(store, codecs, query.key);
  if (store.planned.kind === "window") return inWindows(query, key);
  const { fromWindowMs = -Infinity, toWindowMs = Infinity } = query;
  const isShown = ({ windowStartMs }: StoredEntry) =>
    windowStartMs === undefined || (windowStartMs >= fromWindowMs && windowStartMs < toWindowMs);
  return { ...(codecs.parts === undefined ? ofKey(query, key) : ofParts(store, codecs, query, key)), isShown };
}

const always = () => true;
type Place = Omit<EntrySelection, "isShown">;

function inWindows({ prefix, fromWindowMs = -Infinity, toWindowMs = Infinity }: EntryQuery, key: Buffer | undefined) {
  const start = prefix === undefined ? undefined : Buffer.from(prefix);
  const isWanted = (stored: Buffer): boolean => {
    const bytes = stored.subarray(timedKeyOffset);
    if (key !== undefined) return bytes.equals(key);
    return start === undefined || startsWith(bytes, start);
  };
  const isOne = key !== undefined && Number.isSafeInteger(fromWindowMs) && toWindowMs === fromWindowMs + 1;
  const point = isOne ? windowKey(fromWindowMs, key) : undefined;
  return { range: windowRange(fromWindowMs, toWindowMs), point, isWanted, isShown: always };
}

function ofKey({ prefix }: EntryQuery, key: Buffer | undefined): Place {
  if (key !== undefined) {
    const point = dataKey(key);
    return { range: beginningWith(point), point, isWanted: (stored) => stored.equals(point) };
  }
  const range = prefix === undefined ? dataRange : beginningWith(dataKey(Buffer.from(prefix)));
  return { range, point: undefined, isWanted: always };
}

/** The entries of one key lie together, behind its length; so a prefix of the key is no range. */
function ofParts(store: StoreOfStep, { parts }: StoreCodecs, query: EntryQuery, key: Buffer | undefined): Place {
  if (key === undefined) {
    const start = query.prefix === undefined ? undefined : Buffer.from(query.prefix);
    const isWanted = (stored: Buffer) => start === undefined || startsWith(new ByteReader(stored, 1).bytes(), start);
    return { range: dataRange, point: undefined, isWanted };
  }
  const out = new ByteWriter(key.length + 10);
  out.bytes(key);
  const first = dataKey(out.buffer.subarray(0, out.position));
  if (query.entryKey === undefined) return { range: beginningWith(first), point: undefined, isWanted: always };
  const entryKey = keyFromText(entryKeyTypeOf(store.planned, store.node)!, query.entryKey);
  const point = Buffer.concat([first, parts!.entries.encode(entryKey)]);
  return { range: beginningWith(point), point, isWanted: (stored) => stored.equals(point) };
}

/** The bytes of a record's key: what its partition is chosen by, too. */
export function keyBytes({ node, keyCodec }: Pick<StoreOfStep, "node" | "keyCodec">, text: string): Buffer {
  return keyCodec.encode(keyFromText(keyTypeOf(node)!, text));
}

const codedKey = (store: StoreOfStep, { keys, parts }: StoreCodecs, text: string): Buffer =>
  keyBytes({ node: store.node, keyCodec: parts?.keys ?? keys }, text);

/** @throws {MulgilError} STATE_QUERY if what was asked would tell of keys that are hidden */
export function assertAskable(
  store: string,
  { prefix }: EntryQuery,
  { isKeyOpen }: { readonly isKeyOpen: boolean },
): void {
  if (prefix !== undefined && !isKeyOpen)
    throw impossible(
      store,
      "its keys are personal data, and beginnings that are tried out would tell them: ask for a whole key, or with --reveal (reveal=true)",
    );
}

function assertPossible({ planned, node }: StoreOfStep, query: EntryQuery): void {
  const isWindowed = node.kind === "aggregate" && planned.kind !== "keyValue";
  if (query.prefix !== undefined && keyTypeOf(node) !== "string")
    throw impossible(planned.name, "its keys are no texts, so none begins with another: ask for a whole key");
  if (!isWindowed && (query.fromWindowMs !== undefined || query.toWindowMs !== undefined))
    throw impossible(planned.name, "it has no windows");
  if (query.entryKey !== undefined && entryKeyTypeOf(planned, node) === null)
    throw impossible(planned.name, "it has one value a key, and no entries under it");
  if (query.entryKey !== undefined && query.key === undefined)
    throw impossible(planned.name, "an entry is one of a key: give the key, too");
}

const impossible = (store: string, why: string) =>
  new MulgilError(`store "${store}" cannot be asked that: ${why}`, { code: "STATE_QUERY", context: { store } });

const startsWith = (bytes: Buffer, start: Buffer): boolean => bytes.subarray(0, start.length).equals(start);

/** All keys that begin with these bytes, of which the first is below 0xff. */
function beginningWith(bytes: Buffer): KeyRange {
  const end = Buffer.from(bytes);
  let last = end.length - 1;
  while (end[last] === 0xff) last--;
  end[last]!++;
  return { gte: bytes, lt: end.subarray(0, last + 1) };
}
