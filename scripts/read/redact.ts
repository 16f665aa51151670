/** Shorter texts than this are only taken for personal data where they stand alone: "42" in "aged 42", and not in "14230". */
const DISTINCT_CHARACTERS = 4;

/** A text about a record, without what was hidden of the record. */
export function redact(text: string, hidden: ReadonlyMap<string, string>): string {
  let redacted = text;
  for (const [secret, shown] of longestFirst(hidden)) {
    const asJson = JSON.stringify(secret).slice(1, -1);
    for (const form of new Set([secret, asJson])) redacted = without(redacted, form, shown);
  }
  return redacted;
}

/** A part of another one would leave the rest of that. */
const longestFirst = (hidden: ReadonlyMap<string, string>) =>
  [...hidden].sort(([left], [right]) => right.length - left.length);

function without(text: string, secret: string, shown: string): string {
  if (!text.includes(secret)) return text;
  if (secret.length >= DISTINCT_CHARACTERS) return text.replaceAll(secret, () => shown);
  const literal = secret.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`);
  const alone = new RegExp(String.raw`(?<![\p{L}\p{N}])${literal}(?![\p{L}\p{N}])`, "gu");
  return text.replaceAll(alone, () => shown);
}
