import { CommanderError, InvalidArgumentError } from "commander";
import { UNCONFIRMED } from "./change/confirm.ts";
import { EXIT } from "./environment/exit-codes.ts";
import { variables } from "./environment/variables.ts";
import { isBrokenPipe, problemDetails, problemOf } from "./output/problem.ts";
import { createProgram } from "./program.ts";

/** Ends as a pipeline expects it when the reader has enough (`| head`): quietly. The command sees the error at its next write. */
let readerHasGone = false;
process.stdout.on("error", (error) => {
  if (!isBrokenPipe(error)) throw error;
  readerHasGone = true;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
// The command is over. What may still be open (a last commit beyond its time-out) must not hold the process; what was printed must get out.
process.stdout.write("", () => process.exit());

function report(error: unknown): number {
  // What a command finds wrong with its arguments as a whole; what is wrong with one of them has been told.
  if (error instanceof InvalidArgumentError) process.stderr.write(`error: ${error.message}\n`);
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (readerHasGone && isBrokenPipe(error)) return 0;
  const { code, message } = problemOf(error);
  process.stderr.write(`mulgil: ${message} [${code}]\n`);
  if (variables.debug) process.stderr.write(`${problemDetails(error)}\n`);
  return code === UNCONFIRMED ? EXIT.unconfirmed : EXIT.failed;
}
