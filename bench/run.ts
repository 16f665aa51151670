import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Table from "cli-table3";
import type { BenchRow } from "./bench-row.ts";

/**
 * `npm run bench [-- part-of-a-file-name …]`: runs the benchmarks one after the other, prints a table, and writes bench/results/latest.json.
 * A part may be written as in the rows: kafka.window is kafka-window.ts.
 * Every file in this folder that exports `run` is one. The method of each stands in its header; docs/BENCHMARKS.md says how to read them.
 */
const folder = import.meta.dirname;
const wanted = process.argv.slice(2).map((part) => part.replaceAll(".", "-"));
const rows: BenchRow[] = [];

for (const file of (await readdir(folder)).toSorted()) {
  if (!/^[a-z-]+\.ts$/.test(file) || (wanted.length > 0 && !wanted.some((part) => file.includes(part)))) continue;
  const module = (await import(join(folder, file === "run.ts" ? "bench-row.ts" : file))) as {
    run?: () => Promise<readonly BenchRow[]>;
  };
  if (module.run === undefined) continue;
  process.stderr.write(`${file} …\n`);
  rows.push(...(await module.run()));
}

const table = new Table({
  head: ["name", "value", "unit", "spread", "bound", "ratio"],
  style: { head: [], border: [] },
});
for (const { name, value, unit, spread, bound, ratio } of rows)
  table.push([name, String(value), unit, spread, bound, ratio === null ? "" : ratio.toFixed(2)]);
console.log(table.toString());
await mkdir(join(folder, "results"), { recursive: true });
await writeFile(join(folder, "results", "latest.json"), `${JSON.stringify(rows, null, 2)}\n`);
