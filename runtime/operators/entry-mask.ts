import { createHash } from "node:crypto";
import type { JsonValue } from "../../schemas/json.ts";
import { hashedText, MASKED } from "../../schemas/masked-text.ts";
import { createMasker, type Digest, hide, type MaskedJson, withoutHidden } from "../../schemas/masker.ts";
import type { PiiRule } from "../../schemas/pii.ts";
import type { EntrySecrets, PartSecrets } from "./entry-secrets.ts";
import { plainJson } from "./plain-json.ts";
import type { StoredEntry } from "./read-store.ts";

/** Hides what is personal in an entry. */
export interface EntryMask {
  /** @param entry with its keys as JSON, and its value as it was decoded */
  show(entry: StoredEntry): MaskedEntry;
  /** What cannot be decoded, or a part of it. */
  bytes(bytes: Buffer, error?: string): UnreadBytes;
  /** By what people tell keys apart that are not shown: sixteen digits of a hash, or a text in their place. */
  keyHash(bytes: Buffer): string;
  /** Whether nothing is hidden. */
  readonly isOpen: boolean;
  /** Whether keys are shown as they are. Whoever may ask for the beginnings of others would read them letter by letter. */
  readonly isKeyOpen: boolean;
}

/** An entry in what JSON has. */
export interface MaskedEntry extends StoredEntry {
  /** What is not shown as it is, because it is personal data: "key", "entryKey", "value.phone". Absent if nothing is hidden. */
  readonly masked?: readonly string[];
}

export interface UnreadBytes {
  readonly $bytes: string;
  /** Of what is hidden. */
  readonly $length?: number;
  readonly $error?: string;
}

const plainHash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/** Shows everything. */
export const unmasked: EntryMask = {
  show: (entry) => ({ ...entry, value: plainJson(entry.value) }),
  bytes: (bytes, error) => ({ $bytes: bytes.toString("base64"), ...(error !== undefined && { $error: error }) }),
  keyHash: plainHash,
  isOpen: true,
  isKeyOpen: true,
};

export interface EntryMaskOptions {
  /** For the rule "hash". @default such parts are masked */
  readonly digest?: Digest | undefined;
  /** Whoever asks has named the key, so it is no secret to him. @default false */
  readonly isKeyKnown?: boolean;
}

/** Shows entries as far as they hold nothing personal. Make it once for a reading. */
export function createEntryMask(
  secrets: EntrySecrets,
  { digest, isKeyKnown = false }: EntryMaskOptions = {},
): EntryMask {
  const { key: keySecrets, entryKey: entryKeySecrets, value: valueSecrets } = secrets;
  if ([keySecrets, entryKeySecrets, valueSecrets].every(({ kind }) => kind === "open")) return unmasked;
  const showKey = partOf(keySecrets, digest);
  const showEntryKey = partOf(entryKeySecrets, digest);
  const showValue = partOf(valueSecrets, digest);
  const inPlaceOf = (bytes: Buffer) => (digest === undefined ? MASKED : hashedText(digest(bytes.toString("base64"))));
  return {
    isOpen: false,
    isKeyOpen: isOpenKey(keySecrets),
    show(entry) {
      const value = showValue(entry.value);
      const key = isKeyKnown ? openly(entry.key) : hiddenIn(showKey(entry.key), value);
      const entryKey = "entryKey" in entry ? hiddenIn(showEntryKey(entry.entryKey), value) : undefined;
      const masked = [...below("key", key), ...(entryKey ? below("entryKey", entryKey) : []), ...below("value", value)];
      return {
        ...entry,
        ...{ key: key.json, value: value.json },
        ...(entryKey !== undefined && { entryKey: entryKey.json }),
        ...(masked.length > 0 && { masked }),
      };
    },
    bytes: (bytes, error) => ({
      ...{ $bytes: inPlaceOf(bytes), $length: bytes.length },
      ...(error !== undefined && { $error: error }),
    }),
    // There are so few phone numbers that a plain hash of each can be tried out.
    keyHash: isOpenKey(keySecrets) && isOpenKey(entryKeySecrets) ? plainHash : inPlaceOf,
  };
}

/** Paths are those within the part; the part itself is "". */
type ShowPart = (part: unknown) => MaskedJson;

function partOf(secrets: PartSecrets, digest: Digest | undefined): ShowPart {
  if (secrets.kind === "open") return openly;
  if (secrets.kind === "hidden") return (part) => whole(plainJson(part) as JsonValue, secrets.rule, digest);
  const masker = createMasker({ ...secrets, digest });
  // An aggregate over nothing has no value.
  return (part) => (part === undefined || part === null ? openly(part) : masker.mask(part));
}

const isOpenKey = (secrets: PartSecrets): boolean => secrets.kind === "open" && secrets.isUndescribed !== true;

const openly: ShowPart = (part) => ({ json: plainJson(part) as JsonValue, paths: [], hidden: new Map() });

/** That there is nothing is not personal. */
const whole = (json: JsonValue, rule: PiiRule, digest: Digest | undefined): MaskedJson =>
  json === null ? openly(json) : { json: hide(json, rule, digest), paths: [""], hidden: new Map() };

/** Keys are often copies of what is tagged in the value. */
function hiddenIn(part: MaskedJson, { hidden }: MaskedJson): MaskedJson {
  const json = hidden.size === 0 ? part.json : withoutHidden(part.json, hidden);
  const isChanged = part.paths.length === 0 && JSON.stringify(json) !== JSON.stringify(part.json);
  return { ...part, json, paths: isChanged ? [""] : part.paths };
}

const below = (part: string, { paths }: MaskedJson): readonly string[] =>
  paths.map((path) => (path === "" ? part : `${part}.${path}`));
