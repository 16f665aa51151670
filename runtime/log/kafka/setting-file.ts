import { readFile } from "node:fs/promises";
import type { Issue } from "../../errors/errors.ts";

/** The text of the file that a variable names; undefined if it names none. */
export async function contentOf<N extends string>(
  name: N,
  variables: Readonly<Partial<Record<N, string | undefined>>>,
  issues: Issue[],
): Promise<string | undefined> {
  const file = variables[name];
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    issues.push({
      code: "KAFKA_FILE",
      at: name,
      message: `cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    });
    return undefined;
  }
}
