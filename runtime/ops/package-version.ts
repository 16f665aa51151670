import { createRequire } from "node:module";

/** The version of the package that runs, sources or built. */
export const packageVersion = (): string =>
  (createRequire(import.meta.url)("mulgil/package.json") as { readonly version: string }).version;
