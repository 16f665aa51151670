import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "./program.ts";

interface Named {
  readonly name: string;
  readonly command: Command;
}

/** All that can be called, by what is typed for it. */
function commandsIn(command: Command, name = ""): readonly Named[] {
  const below = command.createHelp().visibleCommands(command);
  const own = below.filter((each) => each.name() !== "help");
  if (own.length === 0) return [{ name, command }];
  return own.flatMap((each) => commandsIn(each, `${name} ${each.name()}`.trim()));
}

/** What --help prints, with what was added to it. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

const commands = commandsIn(createProgram());

describe("the command line", () => {
  it("has the commands of people who operate jobs", () => {
    expect(commands.length).toBeGreaterThan(45);
  });

  it.each(commands)("mulgil $name says what it does, and shows it by examples", ({ name, command }) => {
    expect(command.description()).toMatch(/^[a-z].+[^.]$/);
    const help = helpOf(command);
    expect(help).toContain("\nExamples:\n");
    expect(help).toContain(`mulgil ${name}`);
  });

  it.each(commands)("mulgil $name describes every option of its own", ({ command }) => {
    expect(command.options.filter(({ description }) => description === "").map(({ flags }) => flags)).toEqual([]);
  });

  it.each(commands)("mulgil $name can be looked at before it changes something, and asks", ({ command }) => {
    const options = new Set(command.options.map(({ long }) => long));
    if (!options.has("--dry-run")) return;
    expect([...options]).toEqual(expect.arrayContaining(["--yes", "--why"]));
  });
});
