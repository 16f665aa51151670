import { Command, Option } from "commander";
import { describe, expect, it } from "vitest";
import { candidates } from "./candidates.ts";

function program(): Command {
  const all = new Command("mulgil").option("--profile <name>", "which cluster");
  all.command("read").description("print").argument("<topic>").option("-f, --follow", "go on");
  const output = () => new Option("-o, --output <format>", "how").choices(["table", "json"]);
  const circuits = all.command("circuits").description("switch");
  circuits.command("ls").description("list").addOption(output());
  circuits.command("open").argument("<institution>").option("--why <text>", "why");
  all.command("complete", { hidden: true });
  return all;
}

describe("completion", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["commands", [""], ["read", "circuits", "help"]],
    ["commands that begin so", ["re"], ["read"]],
    ["commands behind an option of all", ["--profile", "p", "c"], ["circuits"]],
    ["commands of a command", ["circuits", ""], ["ls", "open", "help"]],
    ["options", ["circuits", "ls", "--o"], ["--output"]],
    ["options of all commands", ["circuits", "ls", "--pro"], ["--profile"]],
    ["choices of an option", ["circuits", "ls", "-o", ""], ["table", "json"]],
    ["choices that begin so", ["circuits", "ls", "--output", "j"], ["json"]],
    ["nothing for a value that can be anything", ["circuits", "open", "--why", ""], []],
    ["nothing for an argument: it may be a file", ["read", ""], []],
    ["no commands behind an argument", ["read", "topic", "l"], []],
    ["no commands that are hidden", ["comp"], []],
    ["options behind a flag", ["read", "--follow", "--f"], ["--follow"]],
  ])("offers %s", (_what, words, expected) => {
    expect(candidates(program(), words).map(({ value }) => value)).toEqual(expected);
  });
});
