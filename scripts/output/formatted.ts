import { Option } from "commander";
import { stringify } from "yaml";
import { TextOutput } from "./text-output.ts";

export type OutputFormat = "table" | "json" | "yaml";

/** -o table | json | yaml: of every command that shows something. */
export const outputOption = (): Option =>
  new Option("-o, --output <format>", "how").choices(["table", "json", "yaml"]).default("table");

/** Prints what a command has found: for people as the text that `people` makes of it, for programs as one document with the same and more. */
export async function printFormatted<T>(found: T, format: OutputFormat, people: (found: T) => string): Promise<void> {
  const out = new TextOutput(process.stdout);
  await out.line(formatted(found, format, people));
  await out.flush();
}

export function formatted<T>(found: T, format: OutputFormat, people: (found: T) => string): string {
  if (format === "json") return JSON.stringify(found, null, 2);
  // What JSON leaves out or writes another way, YAML is to leave out and write alike.
  if (format === "yaml") return stringify(JSON.parse(JSON.stringify(found))).trimEnd();
  return people(found);
}
