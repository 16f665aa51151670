import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAcl } from "./commands/acl.ts";
import { addAudit } from "./commands/audit.ts";
import { addCircuits } from "./commands/circuits.ts";
import { addCompare } from "./commands/compare.ts";
import { addCompletion } from "./commands/completion.ts";
import { addControl } from "./commands/control.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDescribe } from "./commands/describe.ts";
import { addDlq } from "./commands/dlq.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addJobs } from "./commands/jobs.ts";
import { addLag } from "./commands/lag.ts";
import { addProfile } from "./commands/profile.ts";
import { addRead } from "./commands/read.ts";
import { addReplay } from "./commands/replay.ts";
import { addReset } from "./commands/reset.ts";
import { addRestart } from "./commands/restart.ts";
import { addHeld, addRetries } from "./commands/retries.ts";
import { addRun } from "./commands/run.ts";
import { addScale } from "./commands/scale.ts";
import { addSchemas } from "./commands/schemas.ts";
import { addState } from "./commands/state.ts";
import { addStatus } from "./commands/status.ts";
import { addTopics } from "./commands/topics.ts";
import { addTypes } from "./commands/types.ts";
import { addUndeploy } from "./commands/undeploy.ts";
import { addValidate } from "./commands/validate.ts";
import { addWrite } from "./commands/write.ts";

/** In the order of --help. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  addWrite,
  addDeploy,
  addRun,
  addJobs,
  addStatus,
  addState,
  addControl,
  addRestart,
  addScale,
  addLag,
  addDoctor,
  addRead,
  addTopics,
  addCompare,
  addCircuits,
  addSchemas,
  addHeld,
  addRetries,
  addDlq,
  addValidate,
  addDescribe,
  addTypes,
  addReplay,
  addReset,
  addUndeploy,
  addAcl,
  addAudit,
  addProfile,
  addCompletion,
];

/** The command line, ready to parse. */
export function createProgram(): Command {
  const program = new Command("mulgil")
    .description("Stream-processing jobs in TypeScript")
    .version(version())
    .option("--profile <name>", "a cluster of mulgil profile (MULGIL_PROFILE); may stand anywhere in the command")
    .exitOverride()
    .showHelpAfterError("(add --help for the options and examples)")
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 something wrong was found, 4 not confirmed. Environment: MULGIL_DATA_DIR, MULGIL_DEBUG=1.",
    );
  for (const add of COMMANDS) add(program);
  return program;
}

/** The package's own; dist/ lies one folder deeper than the sources. */
function version(): string {
  const inDist = import.meta.filename.endsWith(".js");
  const file = new URL(inDist ? "../../package.json" : "../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
