import { type Command, InvalidArgumentError, Option } from "commander";
import ms, { type StringValue } from "ms";
import type { ListenAddress } from "../../runtime/index.ts";
import { variables } from "../environment/variables.ts";

/** Where the data lies: the option, MULGIL_DATA_DIR, ./.mulgil, in that order. */
export const dataDirOption = (): Option =>
  new Option("-d, --data-dir <folder>", "where the data lies (MULGIL_DATA_DIR)").default(
    variables.dataDir ?? "./.mulgil",
  );

/** A broker instead of a data directory: the option, or MULGIL_KAFKA. */
export const kafkaOption = (): Option =>
  new Option("--kafka <host:port>", "Kafka instead of a data directory (MULGIL_KAFKA)").default(variables.kafka);

/** The schema registry beside Kafka: the option, or MULGIL_REGISTRY. */
export const registryOption = (): Option =>
  new Option("--registry <url>", "the schema registry beside Kafka (MULGIL_REGISTRY)").default(variables.registry);

/** --data-dir, --kafka and --registry: of every command that works on a log. */
export const located = (command: Command): Command =>
  command.addOption(dataDirOption()).addOption(kafkaOption()).addOption(registryOption());

/** Whether topics are made, or only checked. */
export const topicsOption = (): Option =>
  new Option(
    "--topics <policy>",
    "ensure makes what is missing; verify only checks, and tells the commands that mend what is missing or wrong",
  )
    .choices(["ensure", "verify"])
    .default("ensure");

/** Stores of the version before whose state may be forgotten. */
export const dropStoreOption = (): Option =>
  new Option(
    "--drop-store <name>",
    "a store of the version before whose state may be forgotten; may be given several times",
  )
    .default([], "none")
    .argParser((name: string, before: readonly string[]) => [...before, name]);

export const schemasOption = (): Option =>
  new Option("--schemas <folder>", "the project's Avro schemas (*.avsc)").default("./schemas");

export const keyTypeOption = (description: string): Option =>
  new Option("--key-type <type>", description).choices(["string", "int", "long", "double", "bytes", "avro"]);

/** "host:port", "[::1]:port". */
export function listenAddress(text: string): ListenAddress {
  const [, host, port] = /^(\[[0-9a-f:]+\]|[^:[\]]+):(\d+)$/i.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError("Write host:port, like 127.0.0.1:8080; port 0 takes a free one.");
  return { host, port: Number(port) };
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("Give a whole number from 1 on.");
  return value;
}

export function nonNegativeInteger(text: string): number {
  return text === "0" ? 0 : positiveInteger(text);
}

/** A duration like "30s" or "10 minutes", in ms. */
export function duration(text: string): number {
  const value = durationMs(text);
  if (value === undefined || value === 0)
    throw new InvalidArgumentError('Write a duration like "30s" or "10 minutes".');
  return value;
}

export function durationMs(text: string): number | undefined {
  if (!/^\d+(?:\.\d+)?\s*[a-z]+$/i.test(text.trim())) return undefined;
  const value = ms(text.trim() as StringValue) as number | undefined;
  return value === undefined || Number.isNaN(value) ? undefined : Math.round(value);
}

export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
