import { type Command, InvalidArgumentError, Option } from "commander";
import { type AclGrant, aclsOf } from "../../runtime/ops/job-acls.ts";
import { kafkaAclsCommands } from "../acl/kafka-acls.ts";
import type { LogLocation } from "../environment/open-log.ts";
import { wantedPlans } from "../job-files/wanted-plans.ts";
import { formatted } from "../output/formatted.ts";
import { TextOutput } from "../output/text-output.ts";
import { examples, located, topicsOption } from "./options.ts";

interface AclOptions extends LogLocation {
  readonly principal: string;
  readonly host?: string;
  readonly topics: "ensure" | "verify";
  readonly deployed?: true;
  readonly output: "commands" | "json" | "yaml";
}

export function addAcl(program: Command): void {
  const acl = program.command("acl").description("show the rights that jobs need on Kafka");
  located(acl.command("print"))
    .description("print the exact rights of some jobs, as kafka-acls.sh commands; it grants nothing")
    .argument("<jobs...>", "TypeScript files that export jobs, or names of jobs that were deployed or have run")
    .addOption(
      new Option("--principal <type:name>", "who runs the jobs, like User:collection")
        .makeOptionMandatory()
        .argParser(principal),
    )
    .option("--host <address>", "where it connects from; anywhere if it is not given")
    .addOption(topicsOption())
    .option("--deployed", "the jobs are started with --deployed")
    .addOption(new Option("-o, --output <format>", "how").choices(["commands", "json", "yaml"]).default("commands"))
    .addHelpText(
      "after",
      examples(
        "mulgil acl print jobs/bank/*.ts --principal User:bank > acls.sh",
        "BOOTSTRAP_SERVER=broker-1:9092 COMMAND_CONFIG=admin.properties sh acls.sh",
        "mulgil acl print account-months --principal User:bank --topics verify --deployed",
      ),
    )
    .action(print);
}

async function print(named: readonly string[], options: AclOptions): Promise<void> {
  const { principal, host, topics, deployed = false, output, ...where } = options;
  const plans = (await wantedPlans(named, where)).map(({ plan }) => plan);
  const grants = merged(plans.flatMap((plan) => aclsOf(plan, { topics, onlyDeployed: deployed })));
  const out = new TextOutput(process.stdout);
  if (output === "commands") for (const line of kafkaAclsCommands(grants, { principal, host })) await out.line(line);
  else await out.line(formatted({ principal, host, grants }, output, () => ""));
  await out.flush();
}

/** Several jobs may use one topic. */
function merged(grants: readonly AclGrant[]): readonly AclGrant[] {
  const alike = Map.groupBy(grants, ({ resource, name, pattern }) => `${resource} ${pattern} ${name}`);
  return [...alike.values()].map((same) => ({
    ...same[0]!,
    operations: [...new Set(same.flatMap(({ operations }) => operations))],
    why: [...new Set(same.map(({ why }) => why))].join(", "),
  }));
}

function principal(text: string): string {
  if (/^[A-Za-z]+:.+$/.test(text)) return text;
  throw new InvalidArgumentError('Write type and name, like "User:collection".');
}
