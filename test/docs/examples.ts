import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { typeSource } from "../../schemas/type-source.ts";

const home = path.resolve(import.meta.dirname, "../..");

/** A fenced block of a page. */
export interface Fence {
  /** Behind the three backticks. */
  readonly info: string;
  readonly content: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

export function fencesOf(markdown: string): readonly Fence[] {
  return [...markdown.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(({ 1: info, 2: content, index }) => ({
    info: info!,
    content: content!,
    line: markdown.slice(0, index).split("\n").length + 1,
  }));
}

export interface Example {
  readonly file: string;
  /** Where it stands on its page: "docs/JOBS.md:12". */
  readonly place: string;
  readonly content: string;
}

/**
 * Writes the examples of the pages as files of a project, in a new folder of the repository: `ts` blocks under jobs/, called by their first line
 * (`// topics.ts`) or by their place; `json <name>.avsc` blocks as the types that are generated from them, under schemas/types/shop/.
 */
export function writeExamples(pages: readonly string[]): {
  readonly folder: string;
  readonly examples: readonly Example[];
} {
  // The compiler passes over names with a dot in front when it checks the repository.
  const folder = mkdtempSync(path.join(home, "test", ".examples-"));
  try {
    return { folder, examples: pages.flatMap((page) => examplesOf(page, folder)) };
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

function examplesOf(page: string, folder: string): readonly Example[] {
  const write = (name: string, content: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  return fencesOf(readFileSync(path.join(home, page), "utf8")).flatMap(({ info, content, line }) => {
    const schema = /^json (\S+)\.avsc$/.exec(info)?.[1];
    if (schema !== undefined)
      write(`schemas/types/shop/${schema}.ts`, typeSource(JSON.parse(content), `shop/${schema}.avsc`));
    if (info !== "ts") return [];
    const name = /^\/\/ (\S+\.ts)\n/.exec(content)?.[1] ?? `${path.basename(page, ".md").toLowerCase()}-${line}.ts`;
    // README's example is a file of jobs/bank/, whose imports go up as far as from here.
    const file = write(page === "README.md" ? name : `jobs/${name}`, content);
    return [{ file, place: `${page}:${line}`, content }];
  });
}

/** What the compiler says of files, in one program under the repository's own settings. */
export function typeErrors(files: readonly string[]): readonly string[] {
  const { config } = ts.readConfigFile(path.join(home, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, home);
  const program = ts.createProgram({ rootNames: files, options });
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, "\n");
    if (file === undefined || start === undefined) return message;
    const { line } = file.getLineAndCharacterOfPosition(start);
    return `${path.basename(file.fileName)}:${line + 1}: ${message}`;
  });
}
