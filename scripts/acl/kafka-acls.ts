import type { AclGrant } from "../../runtime/ops/job-acls.ts";

export interface AclReceiver {
  /** "User:collection" */
  readonly principal: string;
  /** Where it connects from; anywhere if undefined. */
  readonly host: string | undefined;
}

/**
 * The commands that grant rights, for a shell. Things with the same rights share one, so a test and a person have little to run. They ask for the
 * variable BOOTSTRAP_SERVER, and take COMMAND_CONFIG, a file that says who the administrator is.
 */
export function kafkaAclsCommands(grants: readonly AclGrant[], receiver: AclReceiver): readonly string[] {
  const alike = Map.groupBy(grants, ({ resource, pattern, operations }) =>
    [resource, pattern, ...[...operations].sort()].join(" "),
  );
  return [...alike.values()].flatMap((same) => [commentOf(same), commandOf(same, receiver)]);
}

/** "# bank.raw: reads", each reason once. */
const commentOf = (same: readonly AclGrant[]): string =>
  `# ${[...Map.groupBy(same, ({ why }) => why)].map(([why, own]) => `${own.map(({ name }) => name).join(", ")}: ${why}`).join("; ")}`;

function commandOf(same: readonly AclGrant[], { principal, host }: AclReceiver): string {
  const { resource, pattern, operations } = same[0]!;
  return [
    `kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVER" \${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"}`,
    `--add --allow-principal ${quoted(principal)}`,
    ...(host === undefined ? [] : [`--allow-host ${quoted(host)}`]),
    ...operations.map((operation) => `--operation ${operation}`),
    ...(pattern === "literal" ? [] : [`--resource-pattern-type ${pattern}`]),
    ...same.map(({ name }) => `--${resource} ${quoted(name)}`),
  ].join(" ");
}

/** For a POSIX shell. */
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
