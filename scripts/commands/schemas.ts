import { type Command, Option } from "commander";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { RegisteredSchema } from "../../schemas/registry.ts";
import { schemaDiff } from "../../schemas/schema-diff.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { schemaChangeLine } from "../deploy/deploy-text.ts";
import { EXIT } from "../environment/exit-codes.ts";
import { assertLogExists, type LogLocation, withLogAndRegistry } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { TextOutput } from "../output/text-output.ts";
import { checkSchema, type SchemaCheck } from "../schemas/check-schemas.ts";
import { assertFitting, registration } from "../schemas/register-schemas.ts";
import {
  type LocalSubject,
  localSubjects,
  type SchemaSubject,
  schemaSubjects,
  versionOfFile,
} from "../schemas/schema-subjects.ts";
import { checksText, type SchemaRow, schemasTable } from "../schemas/schemas-text.ts";
import { examples, located, positiveInteger, schemasOption } from "./options.ts";

interface SchemasOptions extends LogLocation {
  readonly schemas: string;
  readonly output: OutputFormat;
}

interface CheckOptions extends SchemasOptions {
  readonly scan?: true;
}

interface DiffOptions extends SchemasOptions {
  readonly against?: number;
}

interface RegisterOptions extends LogLocation, ChangeOptions {
  readonly schemas: string;
}

export function addSchemas(program: Command): void {
  const schemas = program.command("schemas").description("compare the project's schemas with those of the registry");
  located(schemas.command("ls", { isDefault: true }))
    .description("list the subjects of the registry, and the local files about their topics")
    .addOption(schemasOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples("mulgil schemas", "mulgil schemas ls -o json | jq '.[] | select(.status == \"differs\")'"),
    )
    .action(list);
  located(schemas.command("check"))
    .description("check that local files fit every version that records of their topics may carry; 3 if one does not")
    .argument("[topics...]", "only these")
    .addOption(schemasOption())
    .option("--scan", "read the topics, to know which versions their records carry; without it, any may")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil schemas check", "mulgil schemas check bank.raw-transactions --scan"))
    .action(check);
  located(schemas.command("diff"))
    .description("show field by field how local files differ from what is registered")
    .argument("[topics...]", "only these")
    .addOption(schemasOption())
    .addOption(
      new Option("--against <version>", "with this one; with the latest if none is given").argParser(positiveInteger),
    )
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil schemas diff", "mulgil schemas diff bank.raw-transactions --against 2"))
    .action(diff);
  changeOptions(located(schemas.command("register")))
    .description("register the local files that are new")
    .argument("[topics...]", "only these")
    .addOption(schemasOption())
    .addHelpText(
      "after",
      examples(
        "mulgil schemas register --dry-run",
        'mulgil schemas register bank.raw-transactions --why "branch code"',
      ),
    )
    .action(register);
}

async function list({ schemas, output, ...where }: SchemasOptions): Promise<void> {
  assertLogExists(where);
  const all = await withLogAndRegistry(where, (open) => schemaSubjects(open, schemas));
  await printFormatted(all.map(rowOf), output, (rows) =>
    rows.length === 0 ? "nothing is registered, and there are no local files" : schemasTable(rows),
  );
}

const rowOf = (subject: SchemaSubject): SchemaRow => ({
  subject: subject.subject,
  versions: subject.versions.map(({ version, id }) => ({ version, id })),
  compatibility: subject.compatibility ?? (subject.versions.length === 0 ? "-" : "the registry's default"),
  hasTopic: subject.described !== undefined,
  file: subject.local?.file,
  status: isLocal(subject) ? statusOf(subject) : "no file",
});

const isLocal = (subject: SchemaSubject): subject is LocalSubject => subject.local !== undefined;

function statusOf(subject: LocalSubject): SchemaRow["status"] {
  const latest = subject.versions.at(-1);
  if (latest === undefined) return "not registered";
  const own = versionOfFile(subject);
  return own === undefined ? "differs" : own.version === latest.version ? "latest" : "older version";
}

async function check(topics: readonly string[], { schemas, scan, output, ...where }: CheckOptions): Promise<void> {
  assertLogExists(where);
  const checks = await withLogAndRegistry(where, async (open) => {
    const wanted = localSubjects(await schemaSubjects(open, schemas), topics, schemas);
    const found: SchemaCheck[] = [];
    for (const subject of wanted) found.push(await checkSchema(open.log, subject, scan === true));
    return found;
  });
  await printFormatted(checks, output, checksText);
  if (checks.some(({ issues }) => issues.length > 0)) process.exitCode = EXIT.found;
}

async function diff(topics: readonly string[], options: DiffOptions): Promise<void> {
  const { schemas, against, output, ...where } = options;
  assertLogExists(where);
  const differences = await withLogAndRegistry(where, async (open) =>
    localSubjects(await schemaSubjects(open, schemas), topics, schemas).map((subject) =>
      difference(subject, registeredVersion(subject, against)),
    ),
  );
  await printFormatted(differences, output, (all) => all.map(differenceText).join("\n"));
}

/** Undefined if nothing is registered. @throws {MulgilError} SCHEMA_VERSION_UNKNOWN */
function registeredVersion(
  { subject, versions }: LocalSubject,
  wanted: number | undefined,
): RegisteredSchema | undefined {
  if (wanted === undefined) return versions.at(-1);
  const found = versions.find(({ version }) => version === wanted);
  if (found !== undefined) return found;
  const there = versions.length === 0 ? "none" : versions.map(({ version }) => version).join(", ");
  throw new MulgilError(`${subject} has no version ${wanted}: there is ${there}`, { code: "SCHEMA_VERSION_UNKNOWN" });
}

const difference = ({ subject, local }: LocalSubject, from: RegisteredSchema | undefined) => ({
  ...{ file: local.file, topic: local.topic, subject },
  version: from?.version,
  changes: from === undefined ? [] : schemaDiff(from.avro, local.value),
});

function differenceText({ file, subject, version, changes }: ReturnType<typeof difference>): string {
  if (version === undefined) return `${file}: nothing is registered as ${subject}`;
  if (changes.length === 0) return `${file}: the same as version ${version} of ${subject}`;
  return [`${file}: version ${version} of ${subject} →`, ...changes.map((each) => `  ${schemaChangeLine(each)}`)].join(
    "\n",
  );
}

async function register(topics: readonly string[], options: RegisterOptions): Promise<void> {
  const { schemas, dryRun: _dry, yes: _yes, why: _why, ...where } = options;
  const out = new TextOutput(process.stdout);
  await withLogAndRegistry(where, async (open) => {
    const wanted = localSubjects(await schemaSubjects(open, schemas), topics, schemas);
    const fresh = wanted.filter((subject) => versionOfFile(subject) === undefined);
    if (fresh.length === 0) return await out.line("everything is registered already");
    const checks = await Promise.all(fresh.map((subject) => checkSchema(open.log, subject, false)));
    assertFitting(checks);
    for (const line of (await carryOut(open.log, registration(open.registry, fresh), options)) ?? [])
      await out.line(line);
  });
  await out.flush();
}
