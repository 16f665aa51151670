import { Argument, type Command } from "commander";
import { candidates } from "../completion/candidates.ts";
import { SHELL_SCRIPTS, SHELLS, type Shell } from "../completion/shell-scripts.ts";
import { examples } from "./options.ts";

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("print what makes a shell complete the commands and options of mulgil")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText(
      "after",
      examples(
        "echo 'source <(mulgil completion bash)' >> ~/.bashrc",
        "echo 'source <(mulgil completion zsh)' >> ~/.zshrc",
        "mulgil completion fish > ~/.config/fish/completions/mulgil.fish",
      ),
    )
    .action((shell: Shell) => void process.stdout.write(`${SHELL_SCRIPTS[shell]}\n`));
  program
    .command("complete", { hidden: true })
    .description("what these scripts ask")
    .argument("[words...]")
    .action((words: readonly string[]) => {
      const lines = candidates(program, words).map(
        ({ value, description }) => `${value}\t${description.replaceAll(/\s+/g, " ")}\n`,
      );
      process.stdout.write(lines.join(""));
    });
}
