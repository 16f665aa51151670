import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

const home = path.resolve(import.meta.dirname, "../..");

/** What makes a `code`. */
const CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/;
/** Elsewhere one word may be anything; several are a code that some function is given. */
const WORDS = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
/** Here brokers' errors are called by their names, which look like codes; ours begin with LOG. */
const BROKER_TALK = path.join("runtime", "log", "kafka");
const OWN_BESIDE_BROKERS = /^LOG(?:_[A-Z0-9]+)+$/;

/** Strings that look like codes and are none of Mulgil's. */
export const NO_CODES: ReadonlySet<string> = new Set([
  // of Node, and of LevelDB's binding
  ..."ERR_MODULE_NOT_FOUND ERR_UNKNOWN_FILE_EXTENSION ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX LEVEL_CORRUPTION LEVEL_LOCKED".split(
    " ",
  ),
  // environment variables
  ..."MULGIL_DATA_DIR MULGIL_DEBUG MULGIL_KAFKA MULGIL_REGISTRY MULGIL_WORKER".split(" "),
  ..."MULGIL_HTTP_LISTEN MULGIL_HTTP_TOKENS MULGIL_HTTP_TOKEN_FILE MULGIL_HTTP_CERT MULGIL_HTTP_KEY".split(" "),
  ..."MULGIL_HTTP_OIDC_ISSUER MULGIL_HTTP_OIDC_AUDIENCE MULGIL_HTTP_OIDC_ROLES_CLAIM MULGIL_HTTP_OIDC_ROLES".split(" "),
  ..."MULGIL_HTTP_INSECURE_LISTEN MULGIL_HTTP_METRICS_AUTH".split(" "),
  ..."MULGIL_PROFILE MULGIL_PROFILES XDG_CONFIG_HOME".split(" "),
  ..."MULGIL_DATA_DIR MULGIL_DEBUG MULGIL_KAFKA MULGIL_PII_KEY_FILE MULGIL_REGISTRY MULGIL_WORKER".split(" "),
  ..."OTEL_SDK_DISABLED OTEL_TRACES_EXPORTER OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG OTEL_SERVICE_NAME".split(" "),
  ..."OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT".split(" "),
  // words of the bank
  ..."CASH_DEPOSIT CASH_WITHDRAWAL CARD_WITHDRAWAL TRANSFER_FROM_BANK TRANSFER_TO_BANK".split(" "),
  ..."STATEMENT_FEE PENALTY_INTEREST LOAN_PAYMENT".split(" "),
  // rules of a schema registry
  ..."BACKWARD_TRANSITIVE FORWARD_TRANSITIVE FULL_TRANSITIVE".split(" "),
  // what an institution answers
  "UP_TO_DATE",
]);

/** What codes that are put together at run time can become, by their fixed parts. */
const COMPOSED: ReadonlyMap<string, readonly string[]> = new Map([
  ["STATE_*_FAILED", ["STATE_OPEN_FAILED", "STATE_READ_FAILED", "STATE_WRITE_FAILED"]],
]);

/**
 * Every string in a TypeScript source that looks like an error code; comments do not count.
 * @throws if a template looks like one, and it is not known what it becomes
 */
export function codeLiteralsIn(source: string, file: string): readonly string[] {
  const found: string[] = [];
  const words = file.startsWith(BROKER_TALK) ? OWN_BESIDE_BROKERS : WORDS;
  const visit = (node: ts.Node, isCode: boolean): void => {
    if (ts.isStringLiteralLike(node) && (isCode ? CODE : words).test(node.text)) found.push(node.text);
    if (ts.isTemplateExpression(node)) found.push(...composed(node, file));
    const makesCode = ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === "code";
    ts.forEachChild(node, (child) => visit(child, isCode || makesCode));
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest), false);
  return found;
}

function composed({ head, templateSpans }: ts.TemplateExpression, file: string): readonly string[] {
  const pattern = [head, ...templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join("*");
  if (!/^[A-Z][A-Z0-9]*_[A-Z0-9_*]*$/.test(pattern)) return [];
  const codes = COMPOSED.get(pattern);
  if (codes === undefined)
    throw new Error(`${file} puts the code ${pattern} together: add what it can become to COMPOSED`);
  return codes;
}

/** Everything that looks like a code in what a user of the package, of the command line or of a job can reach. */
export function codeLiterals(): ReadonlySet<string> {
  const found = reachableSources().flatMap(({ fileName, text }) => codeLiteralsIn(text, path.relative(home, fileName)));
  return new Set([...found, ...launcherCodes(readFileSync(path.join(home, "scripts/mulgil"), "utf8"))]);
}

/** The package's entries, the command line, the jobs, and all that they import. What nobody imports raises nothing. */
function reachableSources(): readonly ts.SourceFile[] {
  const { config } = ts.readConfigFile(path.join(home, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: ["scripts/main.ts"] },
    ts.sys,
    home,
  );
  const rootNames = [...packageEntries(), path.join(home, "scripts/main.ts"), ...jobFiles()];
  const program = ts.createProgram({ rootNames, options: { ...options, noLib: true, types: [] } });
  return program
    .getSourceFiles()
    .filter(({ fileName, isDeclarationFile }) => !isDeclarationFile && !fileName.includes("/node_modules/"));
}

function packageEntries(): readonly string[] {
  const { exports } = JSON.parse(readFileSync(path.join(home, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string | { readonly "mulgil-source": string }>>;
  };
  return Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [path.join(home, entry["mulgil-source"])],
  );
}

const jobFiles = (): readonly string[] => ts.sys.readDirectory(path.join(home, "jobs"), [".ts"], ["**/*.test.ts"]);

/** The shell script ends its messages with the code in parentheses. */
const launcherCodes = (script: string): readonly string[] =>
  [...script.matchAll(/\(([A-Z]+(?:_[A-Z]+)+)\)"/g)].map(([, code]) => code!);

export interface DocumentedCode {
  readonly code: string;
  readonly meaning: string;
  readonly remedy: string;
}

/** The rows of the tables in docs/ERRORS.md: `| CODE, … | what it means | what to do |`. */
export function documentedCodes(markdown: string): readonly DocumentedCode[] {
  return markdown.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== 5 || !cells[1]!.startsWith("`")) return [];
    const [, first, meaning, remedy] = cells as [string, string, string, string, string];
    return [...first.matchAll(/`([^`]+)`/g)].map(([, code]) => ({ code: code!, meaning, remedy }));
  });
}

export const errorsPage = (): string => readFileSync(path.join(home, "docs/ERRORS.md"), "utf8");
