import type { Command, Option } from "commander";

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/**
 * What the last of some words may become: commands, options, or the choices of an option. None where anything may stand, a file above all: shells complete
 * those themselves.
 */
export function candidates(program: Command, words: readonly string[]): readonly Candidate[] {
  const current = words.at(-1) ?? "";
  const { command, awaited, isFirst } = standing(program, words.slice(0, -1));
  const all = awaited === undefined ? nextWords(command, current, isFirst) : choicesOf(awaited);
  return all.filter(({ value }) => value.startsWith(current));
}

interface Standing {
  readonly command: Command;
  /** The option whose value comes next. */
  readonly awaited: Option | undefined;
  /** Nothing has been said to the command yet that is no option. */
  readonly isFirst: boolean;
}

function standing(program: Command, words: readonly string[]): Standing {
  let command = program;
  let awaited: Option | undefined;
  let isFirst = true;
  for (const word of words) {
    if (awaited !== undefined) {
      awaited = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ long, short }) => word === long || word === short);
      awaited = option?.required ? option : undefined;
      continue;
    }
    const next: Command | undefined = isFirst ? command.commands.find((each) => each.name() === word) : undefined;
    isFirst = next !== undefined;
    command = next ?? command;
  }
  return { command, awaited, isFirst };
}

function nextWords(command: Command, current: string, isFirst: boolean): readonly Candidate[] {
  if (current.startsWith("-")) {
    return optionsOf(command).flatMap(({ long, description }) =>
      long === undefined || long === null ? [] : [{ value: long, description }],
    );
  }
  const help = command.createHelp();
  const commands = isFirst ? help.visibleCommands(command) : [];
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [
    ...commands.map((each) => ({ value: each.name(), description: each.description() })),
    ...choices.map((value) => ({ value, description: "" })),
  ];
}

/** Its own, and those that every command has. */
const optionsOf = (command: Command): readonly Option[] => {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...(command.parent?.options ?? []), ...rootOf(command).options];
};

const rootOf = (command: Command): Command => (command.parent === null ? command : rootOf(command.parent));

const choicesOf = ({ argChoices }: Option): readonly Candidate[] =>
  (argChoices ?? []).map((value) => ({ value, description: "" }));
