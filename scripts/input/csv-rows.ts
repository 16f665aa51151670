import { parse } from "csv-parse/sync";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { Line } from "./lines.ts";
import type { Row } from "./row.ts";

/** A quoted field may span lines, but one stray quote must not swallow the file: beyond this the quote counts as a mistake of its line. */
const ROW_LINES_MAX = 1000;
const DELIMITERS: readonly string[] = [",", ";", "\t", "|"];

type Fields = readonly string[];

/**
 * The rows of a CSV file (RFC 4180) whose first line names the columns; the delimiter is the one that the header uses.
 * A row that cannot be read costs itself and no other.
 * @throws {MulgilError} CSV_HEADER if there is no usable first line
 */
export async function* csvRows(lines: AsyncIterable<Line>): AsyncGenerator<Row> {
  const source = new PushbackLines(lines);
  const header = await readHeader(source);
  if (header === undefined) return;
  const { columns, delimiter } = header;
  for (let first = await source.next(); first !== undefined; first = await source.next()) {
    if (first.text === "") continue;
    const { number: line, text } = first;
    if (first.problem !== undefined) {
      yield { kind: "unreadable", line, raw: text, error: `the line ${first.problem}` };
      continue;
    }
    const group = await source.completeRow(first);
    const raw = group.map((each, index) => (index < group.length - 1 ? each.text + each.end : each.text)).join("");
    const fields = group.length > 0 ? fieldsOf(raw, delimiter) : "a quote is opened and never closed";
    if (typeof fields === "string") {
      source.pushBack(group.slice(1));
      yield { kind: "unreadable", line, raw: text, error: fields };
    } else if (fields.length !== columns.length) {
      const error = `the row has ${fields.length} fields and the header ${columns.length}`;
      yield { kind: "unreadable", line, raw, error };
    } else {
      const content = Object.fromEntries(columns.map((column, index) => [column, fields[index]]));
      yield { kind: "row", line, raw, content };
    }
  }
}

async function readHeader(source: PushbackLines): Promise<{ columns: Fields; delimiter: string } | undefined> {
  const first = await source.next();
  if (first === undefined) return undefined;
  const delimiter = DELIMITERS.reduce((best, each) =>
    count(first.text, each) > count(first.text, best) ? each : best,
  );
  const fields = first.problem === undefined ? fieldsOf(first.text, delimiter) : `it ${first.problem}`;
  if (typeof fields === "string") throw headerInvalid(fields);
  const columns = fields.map((field) => field.trim());
  if (columns.includes("")) throw headerInvalid("a column has no name");
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw headerInvalid(`the column "${twice}" occurs twice`);
  return { columns, delimiter };
}

const headerInvalid = (why: string) =>
  new MulgilError(
    `the first line of a CSV file names its columns, but here ${why}: correct it, or say --format ndjson`,
    {
      code: "CSV_HEADER",
    },
  );

/** The fields of a row, or what is wrong with its quotes. */
function fieldsOf(raw: string, delimiter: string): Fields | string {
  if (!raw.includes('"')) return raw.split(delimiter);
  try {
    const rows = parse(raw, { delimiter, relax_column_count: true });
    return (rows as string[][])[0] ?? [];
  } catch {
    return 'a quote stands where none may stand: a field with quotes is written like "a ""b"" c"';
  }
}

/** Lines that can be given back, to read them again in another way. */
class PushbackLines {
  readonly #lines: AsyncIterator<Line>;
  #returned: Line[] = [];

  constructor(lines: AsyncIterable<Line>) {
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async next(): Promise<Line | undefined> {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    const { done, value } = await this.#lines.next();
    return done ? undefined : value;
  }

  pushBack(lines: readonly Line[]): void {
    this.#returned = [...lines, ...this.#returned];
  }

  /** The lines of a row: those after the first one belong to it while a quote is open. Empty if it is never closed. */
  async completeRow(first: Line): Promise<readonly Line[]> {
    const group = [first];
    let quotes = count(first.text, '"');
    while (quotes % 2 !== 0) {
      const next = group.length < ROW_LINES_MAX ? await this.next() : undefined;
      if (next === undefined || next.problem !== undefined) {
        this.pushBack(next === undefined ? group.slice(1) : [...group.slice(1), next]);
        return [];
      }
      group.push(next);
      quotes += count(next.text, '"');
    }
    return group;
  }
}

const count = (text: string, what: string): number => {
  let found = 0;
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + 1)) found++;
  return found;
};
