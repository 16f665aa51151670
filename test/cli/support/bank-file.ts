import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { BANK_COLUMNS, type BankRow, csvLines, generateBank } from "../../../scripts/demo/generate-bank.ts";
import { REPOSITORY } from "./mulgil.ts";

export interface BankFile {
  readonly file: string;
  readonly rows: readonly BankRow[];
}

const REAL = path.join(
  path.resolve(REPOSITORY, process.env["MULGIL_BERKA"] ?? "../shared/data/berka"),
  "transactions-1993.csv.gz",
);

/** The real bank's year, or where it is not at hand a generated one of the same shape and size. */
export function bankFile(folder: string): BankFile {
  if (existsSync(REAL)) return { file: REAL, rows: parsed(gunzipSync(readFileSync(REAL)).toString("utf8")) };
  const file = path.join(folder, "transactions.csv.gz");
  const good = [...generateBank({ seed: 7, accounts: 420, year: 93 })].filter(({ broken }) => broken === undefined);
  writeFileSync(file, gzipSync([...csvLines(good)].join("")));
  return { file, rows: good.map(({ row }) => row) };
}

/** Without the code under test: the file has no quotes. */
function parsed(text: string): readonly BankRow[] {
  const [header, ...lines] = text.split(/\r?\n/).filter((line) => line !== "");
  if (header !== BANK_COLUMNS.join(",")) throw new Error(`unexpected columns: ${header}`);
  return lines.map(
    (line) => Object.fromEntries(line.split(",").map((cell, index) => [BANK_COLUMNS[index], cell])) as BankRow,
  );
}
