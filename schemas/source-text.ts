/** Prints values and types as TypeScript in the layout of the repository's formatter: two spaces, 120 columns, double quotes. */
const COLUMNS_MAX = 120;
const LONG_NAME = 5;
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const RESERVED: ReadonlySet<string> = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for " +
    "function if implements import in instanceof interface let new null package private protected public return static super switch " +
    "this throw true try typeof undefined var void while with yield Decimal Buffer"
  ).split(" "),
);

/** "account-months" and "AccountMonth" become accountMonths and accountMonth; what would be no identifier gets the suffix. */
export function camelCase(text: string, suffix: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const [first = "", ...rest] = words;
  const start = first.replace(/^([A-Z]+(?![a-z])|[A-Z])/, (capitals) => capitals.toLowerCase());
  const name = [start, ...rest.map((word) => word[0]!.toUpperCase() + word.slice(1))].join("");
  if (/^\d|^$/.test(name)) return `${suffix.toLowerCase()}${name}`;
  return RESERVED.has(name) ? `${name}${suffix}` : name;
}

/** A JSON value as a literal that starts at `column` of a line indented by `indent`. */
export function literal(value: unknown, indent: number, column: number): string {
  const line = inline(value);
  // One column for the comma or semicolon behind it.
  if (line !== undefined && (typeof value !== "object" || column + line.length + 1 <= COLUMNS_MAX)) return line;
  const inner = " ".repeat(indent + 2);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const lines = Array.isArray(value)
    ? value.map((item) => inner + literal(item, indent + 2, indent + 2))
    : Object.entries(value as object).map(([key, item]) => property(key, item, indent + 2));
  return `${open}\n${lines.join(",\n")},\n${" ".repeat(indent)}${close}`;
}

function property(key: string, value: unknown, indent: number): string {
  const name = propertyName(key);
  const start = `${" ".repeat(indent)}${name}: `;
  const text = literal(value, indent, start.length);
  const isTooLong = typeof value === "string" && start.length + text.length + 1 > COLUMNS_MAX;
  // Behind a short name a line break would win nothing.
  return isTooLong && name.length >= LONG_NAME ? `${start.trimEnd()}\n${" ".repeat(indent + 2)}${text}` : start + text;
}

/** On one line; undefined for what the formatter always breaks: several objects or several arrays in an array. */
function inline(value: unknown): string | undefined {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (!Array.isArray(value)) return inlineObject(value);
  if (
    value.length > 1 &&
    (value.every(isObjectOfSeveral) || value.every((item) => Array.isArray(item) && item.length > 1))
  )
    return undefined;
  const items = value.map(inline);
  return items.includes(undefined) ? undefined : `[${items.join(", ")}]`;
}

function inlineObject(value: object): string | undefined {
  const entries = Object.entries(value).map(([key, item]) => {
    const text = inline(item);
    return text === undefined ? undefined : `${propertyName(key)}: ${text}`;
  });
  if (entries.includes(undefined)) return undefined;
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

const isObjectOfSeveral = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 1;

export const propertyName = (name: string): string => (IDENTIFIER.test(name) ? name : quoted(name));

/** In double quotes, or in single ones where that needs fewer backslashes. */
export function quoted(text: string): string {
  const json = JSON.stringify(text);
  const doubles = text.split('"').length;
  const singles = text.split("'").length;
  if (doubles <= singles) return json;
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

export const fitsOnLine = (line: string): boolean => line.length <= COLUMNS_MAX;

/** `<start><alternatives>;`, with one alternative a line if it would be too long. */
export function unionOf(start: string, indent: number, alternatives: readonly string[]): string {
  const line = `${start} ${alternatives.join(" | ")};`;
  if (fitsOnLine(line) || alternatives.length === 1) return line;
  const separator = `\n${" ".repeat(indent)}| `;
  return `${start}${separator}${alternatives.join(separator)};`;
}

/** A documentation comment in front of a declaration; nothing without a text. */
export function docComment(doc: string | undefined, indent: number): string {
  if (doc === undefined || doc.trim() === "") return "";
  const spaces = " ".repeat(indent);
  const lines = doc.trim().replaceAll("*/", "*\\/").split(/\r?\n/);
  if (lines.length === 1) return `${spaces}/** ${lines[0]} */\n`;
  return `${spaces}/**\n${lines.map((line) => `${spaces} * ${line.trim()}`.trimEnd()).join("\n")}\n${spaces} */\n`;
}
