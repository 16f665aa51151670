import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvRows } from "./csv-rows.ts";
import { linesOf } from "./lines.ts";
import type { Row } from "./row.ts";

/** The text in pieces, as a file arrives. */
async function rowsOf(text: string | Buffer, pieceBytes = 7): Promise<readonly Row[]> {
  const bytes = Buffer.from(text);
  async function* pieces() {
    for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
  }
  const rows: Row[] = [];
  for await (const row of csvRows(linesOf(pieces()))) rows.push(row);
  return rows;
}

const contents = (rows: readonly Row[]) => rows.map((row) => (row.kind === "row" ? row.content : row.error));

describe("csvRows", () => {
  it("reads what any writer of RFC 4180 wrote, and knows the line of every row", async () => {
    const quoted = (field: string) => (/["\r\n,]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
    // The first column always holds something: a row of empty cells alone is an empty line.
    const first = fc.string({ unit: fc.constantFrom("a", "ㄱ", '"', ",", "\n", "\r\n", " "), minLength: 1 });
    const other = fc.string({ unit: fc.constantFrom("b", "€", '"', ",", "\n", "\r\n", ";") });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(first, other)),
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 40 }),
        async (table, end, pieceBytes) => {
          const texts = table.map((row) => row.map(quoted).join(","));
          const rows = await rowsOf(["x,y", ...texts].map((text) => text + end).join(""), pieceBytes);
          expect(contents(rows)).toEqual(table.map(([x, y]) => ({ x, y })));
          let line = 2;
          for (const [index, text] of texts.entries()) {
            expect(rows[index]!.line).toBe(line);
            line += text.split("\n").length;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["a;b", "1;2"],
    ["a\tb", "1\t2"],
    ["a|b", "1|2"],
    ["\uFEFFa, b", "1,2"],
  ])("takes the delimiter that the header %j uses", async (header, row) => {
    expect(contents(await rowsOf(`${header}\n${row}`))).toEqual([{ a: "1", b: "2" }]);
  });

  it("loses one row to one mistake", async () => {
    const rows = await rowsOf('a,b\n1,"x"y\n2,x"y\n3,\n4\n5,6,7\n"never closed,8\n\n9,10\n');
    expect(rows.map(({ kind, line }) => `${line} ${kind}`)).toEqual([
      "2 unreadable",
      "3 unreadable",
      "4 row",
      "5 unreadable",
      "6 unreadable",
      "7 unreadable",
      "9 row",
    ]);
  });

  it("gives a quote that is never closed up after a thousand lines", async () => {
    const rows = await rowsOf(`a\n"open\n${"1\n".repeat(2_500)}`, 4096);
    expect(rows).toHaveLength(2_501);
    expect(rows[0]).toMatchObject({ kind: "unreadable", line: 2, raw: '"open' });
  });

  it("reports a line that is not UTF-8, and goes on", async () => {
    const rows = await rowsOf(Buffer.concat([Buffer.from("a\n"), Buffer.from([0xff, 0x0a]), Buffer.from("1\n")]));
    expect(contents(rows)).toEqual(["the line is not UTF-8: convert the file first", { a: "1" }]);
  });

  it.each([
    ["a,,b\n1,2,3\n", "a column has no name"],
    ["a,a\n1,2\n", 'the column "a" occurs twice'],
    ['a,"b\n1,2\n', "a quote stands where none may stand"],
  ])("refuses the header of %j", async (text, message) => {
    await expect(rowsOf(text)).rejects.toMatchObject({ code: "CSV_HEADER", message: expect.stringContaining(message) });
  });

  it("has no rows without a header", async () => {
    expect(await rowsOf("")).toEqual([]);
  });
});

describe("linesOf", () => {
  it("reports a line that is too long without holding it, and goes on", async () => {
    async function* pieces() {
      for (let piece = 0; piece < 100; piece++) yield Buffer.alloc(1_000, "x");
      yield Buffer.from("\nshort");
    }
    const lines = [];
    for await (const line of linesOf(pieces(), 5_000)) lines.push(line);
    expect(lines).toEqual([
      { number: 1, text: expect.stringMatching(/^x{1024}$/), end: "\n", problem: "is longer than 5000 bytes" },
      { number: 2, text: "short", end: "\n" },
    ]);
  });
});
