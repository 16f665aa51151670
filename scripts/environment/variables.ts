/** The environment variables that the CLI obeys; docs/CLI.md lists them. The only file that reads process.env. */
export const variables = {
  dataDir: process.env["MULGIL_DATA_DIR"],
  /** Shows stack traces and causes. */
  debug: process.env["MULGIL_DEBUG"] === "1",
};
