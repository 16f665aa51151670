import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { loadError } from "./load-error.ts";
import { resolveOwnPackage } from "./own-package.ts";

/** What a user's file exports by default, if that is a function. @throws {MulgilError} TRANSFORM_MISSING, JOB_FILE_LOAD, TRANSFORM_INVALID */
export async function loadFunction(file: string): Promise<(...given: readonly never[]) => unknown> {
  if (!existsSync(file) || statSync(file).isDirectory())
    throw new MulgilError(`the file ${file} does not exist: check its name`, { code: "TRANSFORM_MISSING" });
  resolveOwnPackage();
  let exported: { readonly default?: unknown };
  try {
    exported = (await import(pathToFileURL(path.resolve(file)).href)) as { readonly default?: unknown };
  } catch (error) {
    throw loadError(file, error);
  }
  if (typeof exported.default === "function") return exported.default as (...given: readonly never[]) => unknown;
  throw new MulgilError(
    `${file} exports no function by default: write export default (letter) => ({ ...letter, value: … })`,
    { code: "TRANSFORM_INVALID" },
  );
}
