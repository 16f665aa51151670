import type { Headers } from "../../runtime/log/port.ts";
import { isChangelogTopic } from "../../runtime/plan/internal-topics.ts";
import { PARCEL_HEADER } from "../../runtime/resilience/parcel.ts";
import { DEAD_LETTER_HEADERS } from "../../runtime/worker/dead-letter.ts";
import type { JsonValue } from "../../schemas/json.ts";
import { hashedText, MASKED } from "../../schemas/masked-text.ts";
import { type Digest, hide, type MaskedJson, withoutHidden } from "../../schemas/masker.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { type BytesView, textView } from "./bytes-view.ts";
import type { ReadRecord } from "./read-topic.ts";
import { redact } from "./redact.ts";
import type { TopicPii } from "./topic-pii.ts";

/** A key or a value: what it is as it stands, and the schema that it was written with, if it was decoded with one. */
export interface Content {
  readonly bytes: Buffer | null;
  readonly plain: unknown;
  readonly avro?: AvroJson;
}

export interface RecordContent {
  readonly record: ReadRecord;
  readonly key: Content;
  readonly value: Content;
  readonly pii: TopicPii;
  readonly digest: Digest | undefined;
}

/** The part of a record's view that may hold personal data. */
export interface MaskedRecord {
  readonly key: JsonValue;
  readonly value: JsonValue;
  readonly headers: Readonly<Record<string, string | BytesView>>;
  readonly masked?: readonly string[];
}

/** Headers that Mulgil fills with names, numbers and codes. */
const OWN_HEADERS: ReadonlySet<string> = new Set(
  ["traceparent", "tracestate", ...Object.values(DEAD_LETTER_HEADERS)].filter(
    (name) => name !== DEAD_LETTER_HEADERS.message,
  ),
);

/**
 * A record without the personal data in it: tagged fields by their rules; the key, if a tagged field is the key or has the same text; headers without the
 * hidden texts, since messages of errors quote values. What cannot be read is not shown at all where the topic holds personal data, or may.
 */
export function maskedRecord(content: RecordContent): MaskedRecord {
  const { record, pii } = content;
  const isSecretive = pii.holdsPii || isChangelogTopic(record.topic) || isDerived(record);
  const value = shownValue(content, isSecretive);
  const key = shownKey(content, value.hidden, isSecretive);
  const headers = shownHeaders(record.headers ?? {}, new Map([...key.hidden, ...value.hidden]), pii.holdsPii);
  const masked = [...key.paths, ...value.paths, ...headers.paths];
  return { key: key.json, value: value.json, headers: headers.shown, ...(masked.length > 0 && { masked }) };
}

function shownValue({ value, pii, digest }: RecordContent, isSecretive: boolean): MaskedJson {
  if (value.avro === undefined) return unread(value, "value", isSecretive, digest);
  return below("value", pii.masker(value.avro).mask(value.plain));
}

function shownKey(
  { key, value, pii, digest }: RecordContent,
  hidden: MaskedJson["hidden"],
  isSecretive: boolean,
): MaskedJson {
  if (key.bytes === null) return openly(null);
  if (key.avro !== undefined) {
    const masked = below("key", pii.keyMasker(key.avro).mask(key.plain));
    return { ...masked, json: withoutHidden(masked.json, hidden) };
  }
  const json = key.plain as JsonValue;
  if (isBytes(key.plain)) return unread(key, "key", isSecretive, digest);
  const rule = pii.keyRule(value.avro);
  const shown = rule === undefined ? hidden.get(String(json)) : hide(json, rule, digest);
  if (shown !== undefined) return { json: shown, paths: ["key"], hidden: new Map([[String(json), shown]]) };
  // Nobody says what the key is, and no value is there to compare it with.
  return isSecretive && !pii.hasKeyField && value.avro === undefined ? whole("key", MASKED) : openly(json);
}

function shownHeaders(headers: Headers, hidden: MaskedJson["hidden"], holdsPii: boolean) {
  const shown: Record<string, string | BytesView> = {};
  const paths: string[] = [];
  for (const [name, bytes] of Object.entries(headers)) {
    const plain = textView(bytes);
    const masked = shownHeader(name, bytes, plain, hidden, holdsPii);
    shown[name] = masked ?? plain;
    if (masked !== undefined) paths.push(`headers.${name}`);
  }
  return { shown, paths };
}

/** Undefined if it may be shown as it is. */
function shownHeader(
  name: string,
  bytes: Buffer,
  plain: string | BytesView,
  hidden: MaskedJson["hidden"],
  holdsPii: boolean,
): string | BytesView | undefined {
  if (OWN_HEADERS.has(name)) return undefined;
  if (typeof plain === "string") {
    const redacted = redact(plain, hidden);
    return redacted === plain ? undefined : redacted;
  }
  const isCopy = (secret: string) => bytes.includes(secret);
  // It has the order key and the subject of a record, which are often an identity.
  if ((name === PARCEL_HEADER && holdsPii) || [...hidden.keys()].some(isCopy)) {
    return { $bytes: MASKED, $length: bytes.length };
  }
  return undefined;
}

function unread({ bytes, plain }: Content, path: string, isSecretive: boolean, digest: Digest | undefined): MaskedJson {
  if (bytes === null || !isSecretive) return openly(plain as JsonValue);
  const $bytes = digest === undefined ? MASKED : hashedText(digest(bytes.toString("base64")));
  const { $error } = plain as BytesView;
  return whole(path, { $bytes, $length: bytes.length, ...($error !== undefined && { $error }) });
}

const below = (path: string, { json, paths, hidden }: MaskedJson): MaskedJson => ({
  json,
  paths: paths.map((each) => `${path}.${each}`),
  hidden,
});

const openly = (json: JsonValue): MaskedJson => ({ json, paths: [], hidden: new Map() });

const whole = (path: string, json: JsonValue): MaskedJson => ({ json, paths: [path], hidden: new Map() });

const isDerived = ({ headers }: ReadRecord): boolean => headers?.[DEAD_LETTER_HEADERS.derived] !== undefined;

const isBytes = (plain: unknown): plain is BytesView =>
  typeof plain === "object" && plain !== null && "$bytes" in plain;
