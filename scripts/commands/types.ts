import { existsSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { checkTypes, type TypesCheck, writeTypes } from "../../schemas/generate-types.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { TextOutput } from "../output/text-output.ts";
import { examples, schemasOption } from "./options.ts";

interface TypesOptions {
  readonly schemas: string;
  readonly check?: true;
}

export function addTypes(program: Command): void {
  program
    .command("types")
    .description("generate the TypeScript types of the project's schemas, in <schemas>/types")
    .addOption(schemasOption())
    .option("--check", "change nothing; fail if a generated file is not current")
    .addHelpText("after", examples("mulgil types", "mulgil types --check"))
    .action(types);
}

async function types({ schemas, check }: TypesOptions): Promise<void> {
  if (!existsSync(schemas))
    throw new MulgilError(`the folder ${schemas} does not exist: name another with --schemas`, {
      code: "FILE_MISSING",
    });
  const result = check ? await checkTypes(schemas) : await writeTypes(schemas);
  const lines = changes(
    result,
    check ? ["missing", "not current", "without a schema"] : ["written", "written", "removed"],
  );
  const output = new TextOutput(process.stdout);
  for (const { file, what } of lines) await output.line(`${path.join(schemas, "types", file)}: ${what}`);
  if (lines.length === 0) await output.line("the generated types are current");
  await output.flush();
  if (check && lines.length > 0) {
    throw new MulgilError("the generated types are not those of the schemas: run mulgil types and commit the result", {
      code: "TYPES_STALE",
    });
  }
}

function changes({ missing, stale, superfluous }: TypesCheck, [absent, old, extra]: readonly [string, string, string]) {
  const as = (what: string) => (file: string) => ({ file, what });
  return [...missing.map(as(absent)), ...stale.map(as(old)), ...superfluous.map(as(extra))];
}
