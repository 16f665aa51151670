import path from "node:path";
import { fileURLToPath } from "node:url";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { messageOf } from "../output/problem.ts";

const PLACE = /(?<=^|[\s(])((?:file:\/\/)?\/[^\s()]+?):(\d+)(?::\d+)?(?=[\s)]|$)/g;
const OWN_HOME = path.resolve(import.meta.dirname, "../..");
const OWN_CODE = ["runtime", "schemas", "state", "scripts", "dist"].map(
  (folder) => path.join(OWN_HOME, folder) + path.sep,
);

/** Why a job file could not be loaded, and where: one message. */
export function loadError(file: string, error: unknown): MulgilError {
  const place = placeOf(error);
  const where = place === undefined ? file : `${path.relative(process.cwd(), place.file)}:${place.line}`;
  const at = place !== undefined && path.resolve(file) === place.file ? where : `${file} (at ${where})`;
  return new MulgilError(`the job file ${place === undefined ? file : at} cannot be loaded: ${reason(error)}`, {
    code: "JOB_FILE_LOAD",
    cause: error,
    context: { file },
  });
}

function reason(error: unknown): string {
  const message = messageOf(error).split("\n")[0] ?? "";
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX":
      return `${message}: Node runs TypeScript by leaving the types out, so write it without enum, namespace and parameter properties`;
    case "ERR_UNKNOWN_FILE_EXTENSION":
      return "it is no program: give a file of TypeScript (.ts) or JavaScript (.js)";
    case "ERR_MODULE_NOT_FOUND":
      return `${message}: check the path (it ends in .ts), or install the package`;
    default:
      break;
  }
  if (/import statement outside a module|Unexpected token 'export'/.test(message)) {
    return `${message}: write "type": "module" in the nearest package.json`;
  }
  return error instanceof MulgilError
    ? `${error.message} (${error.code})`
    : error instanceof Error
      ? `${error.name}: ${message}`
      : `it throws ${message}`;
}

/** The first line of the stack that is the user's own. */
function placeOf(error: unknown): { readonly file: string; readonly line: number } | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const [, location, line] of stack.matchAll(PLACE)) {
    const file = location!.startsWith("file:") ? fileURLToPath(location!) : location!;
    if (!file.includes("/node_modules/") && !OWN_CODE.some((own) => file.startsWith(own)))
      return { file, line: Number(line) };
  }
  return undefined;
}
