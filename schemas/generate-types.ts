import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { loadProjectSchemas } from "./project-schemas.ts";
import { typeSource } from "./type-source.ts";

/** Where the types of a schema directory lie, below it. */
const TYPES_FOLDER = "types";
const GENERATED = "// Generated from ";

/** Generated files that do not match the schemas; paths below `types`, with forward slashes. */
export interface TypesCheck {
  readonly stale: readonly string[];
  readonly missing: readonly string[];
  /** Generated once, from a schema file that is gone. */
  readonly superfluous: readonly string[];
}

/**
 * The TypeScript module of every .avsc file below a directory: `bank/transaction.avsc` gives `bank/transaction.ts`, to lie
 * under the directory's `types` folder.
 * @throws {MulgilError} SCHEMA_FILE
 */
export async function generateTypes(directory: string): Promise<Map<string, string>> {
  const { files } = await loadProjectSchemas(directory);
  return new Map(files.map(({ file, avro }) => [file.replace(/\.avsc$/, ".ts"), typeSource(avro, file)]));
}

/** Brings `<directory>/types` up to date, and removes generated files whose schema is gone. Returns what it changed. */
export async function writeTypes(directory: string): Promise<TypesCheck> {
  const types = await generateTypes(directory);
  const check = await compare(directory, types);
  for (const file of [...check.stale, ...check.missing]) {
    const path = join(directory, TYPES_FOLDER, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, types.get(file)!);
  }
  for (const file of check.superfluous) await rm(join(directory, TYPES_FOLDER, file));
  return check;
}

/** What `writeTypes` would change; nothing in any of the lists means that the committed types are current. */
export async function checkTypes(directory: string): Promise<TypesCheck> {
  return compare(directory, await generateTypes(directory));
}

async function compare(directory: string, types: ReadonlyMap<string, string>): Promise<TypesCheck> {
  const present = await generatedFiles(join(directory, TYPES_FOLDER));
  return {
    stale: [...types]
      .filter(([file, content]) => present.has(file) && present.get(file) !== content)
      .map(([file]) => file),
    missing: [...types.keys()].filter((file) => !present.has(file)),
    superfluous: [...present]
      .filter(([file, content]) => !types.has(file) && content.startsWith(GENERATED))
      .map(([file]) => file),
  };
}

async function generatedFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await entriesBelow(folder)) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path).split(sep).join("/"), await readFile(path, "utf8"));
  }
  return files;
}

async function entriesBelow(folder: string) {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
