import { type Command, Option } from "commander";
import { type AuditRecord, readAudit } from "../../runtime/ops/audit.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { table } from "../output/table.ts";
import { duration, examples, located, positiveInteger } from "./options.ts";

interface AuditOptions extends LogLocation {
  readonly output: OutputFormat;
  readonly since?: number;
  readonly limit: number;
}

export function addAudit(program: Command): void {
  located(program.command("audit"))
    .description("show who changed what, when and why")
    .addOption(new Option("--since <duration>", "only the last of it, like 7d").argParser(duration))
    .addOption(new Option("-n, --limit <n>", "the newest so many").default(100).argParser(positiveInteger))
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples("mulgil audit --since 7d", "mulgil audit -o json | jq '.[] | select(.action == \"dlq purge\")'"),
    )
    .action(audit);
}

async function audit({ output, since, limit, ...where }: AuditOptions): Promise<void> {
  assertLogExists(where);
  const all = await withLog(where, ({ log }) => readAudit(log));
  const fromMs = since === undefined ? 0 : systemClock.now() - since;
  const wanted = all.filter(({ atMs }) => atMs >= fromMs).slice(-limit);
  await printFormatted(wanted.map(auditView), output, (found) =>
    found.length === 0 ? "nothing was changed by hand here yet" : auditTable(found),
  );
}

/** Times as people and programs read them everywhere on the command line. */
const auditView = ({ atMs, ...rest }: AuditRecord) => ({ at: new Date(atMs).toISOString(), ...rest });

const auditTable = (found: readonly ReturnType<typeof auditView>[]): string =>
  table(
    ["at", "by", "action", "target", "outcome", "why"],
    found.map(({ at, by, action, target, outcome, why, error }) => [
      at,
      by,
      action,
      target,
      error === undefined ? outcome : `${outcome} (${error.code})`,
      why,
    ]),
  );
