/** Stands in the place of personal data. Nobody writes such a text by chance, and no other type than a text takes it for a value. */
export const MASKED = "***masked***";

/** In the place of a value with the rule "hash". */
export const hashedText = (digest: string): string => `***${digest}***`;

const MARK = /^\*\*\*(?:masked|[0-9a-f]{16})\*\*\*$/;

/** Whether a text stands for personal data that was hidden when a record was shown. */
export const isMasked = (text: unknown): boolean =>
  typeof text === "string" && text.startsWith("***") && MARK.test(text);

/** Where parsed JSON holds such a text; undefined if nowhere. */
export function maskedPath(json: unknown): string | undefined {
  if (isMasked(json)) return "";
  if (typeof json !== "object" || json === null) return undefined;
  // Once a row of every file that is written: paths are only made where something was found.
  for (const name of Object.keys(json)) {
    const found = maskedPath((json as Readonly<Record<string, unknown>>)[name]);
    if (found !== undefined) return found === "" ? name : `${name}.${found}`;
  }
  return undefined;
}
