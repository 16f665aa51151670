import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { systemClock } from "../runtime/time/system-clock.ts";
import type { DemoOptions } from "./demo/demo-options.ts";
import { startInstitutionsProcess } from "./demo/institutions-process.ts";
import { reconciliationText } from "./demo/reconcile.ts";
import { runDemo } from "./demo/run-demo.ts";
import { createShow } from "./demo/show.ts";
import { definitions } from "./demo/trouble.ts";
import { number } from "./run/progress.ts";

interface DemoArguments {
  readonly customers: number;
  readonly arrivals: number;
  readonly outageFrom: number;
  readonly outageUntil: number;
  readonly seed: number;
}

const TRANSACTION_ID_CHARACTERS = 25;

/** `npm run demo`: the MyData system with slow, limited and absent institutions, and a reconciliation of what came of it. */
const given = new Command("demo")
  .description("Collects the financial data of invented customers from invented institutions, and checks the result.")
  .option("--customers <number>", "how many", wholeNumber(10, 100_000), 2_000)
  .option("--arrivals <seconds>", "in which they come", wholeNumber(1, 3_600), 20)
  .option("--outage-from <seconds>", "when one of the institutions goes down", wholeNumber(0, 3_600), 8)
  .option("--outage-until <seconds>", "when it is up again", wholeNumber(1, 3_600), 25)
  .option("--seed <number>", "of customers, institutions and faults", wholeNumber(0, 2 ** 32 - 1), 7)
  .parse()
  .opts<DemoArguments>();

const options: DemoOptions = {
  ...{ customers: given.customers, seed: given.seed, arrivalsMs: given.arrivals * 1_000 },
  outage: { fromMs: given.outageFrom * 1_000, untilMs: given.outageUntil * 1_000 },
};
const home = await mkdtemp(path.join(tmpdir(), "mulgil-demo-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    rmSync(home, { recursive: true, force: true });
    process.exit(128 + constants.signals[signal]);
  });
}
try {
  process.exitCode = await demo();
} finally {
  await rm(home, { recursive: true });
}

/** The exit code. */
async function demo(): Promise<number> {
  const institutions = await startInstitutionsProcess(definitions.length, options.seed);
  try {
    console.log(
      `${definitions.length} institutions (process ${institutions.pid}), ${number(options.customers)} customers, six jobs, exactly once\n`,
    );
    const checks = await runDemo(options, {
      ...{ home, institutions, clock: systemClock, show: createShow(process.stdout) },
      newTransactionId: () => randomUUID().replaceAll("-", "").slice(0, TRANSACTION_ID_CHARACTERS),
      say: (line) => console.error(line),
    });
    console.log(`\n${reconciliationText(checks)}`);
    return checks.every(({ problems }) => problems.length === 0) ? 0 : 1;
  } finally {
    await institutions.close();
  }
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max}.`);
    return value;
  };
}
