import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { styleText } from "node:util";

/** Everything that must hold before a change goes in: `npm test`. All checks run, whatever fails before them. Arguments go to Vitest. */
const CHECKS = [
  { name: "format and lint", script: "check:lint" },
  { name: "types", script: "check:types" },
  { name: "dependency rules", script: "check:deps" },
  { name: "generated types", script: "check:generated" },
  { name: "unused exports", script: "check:unused" },
] as const;

interface Outcome {
  readonly name: string;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
}

const home = path.resolve(import.meta.dirname, "..");
const outcomes = [...CHECKS.map(check), test()];
for (const { name, seconds, failed } of outcomes) {
  const verdict = failed === 0 ? styleText("green", "passed") : styleText("red", "FAILED");
  console.log(`${verdict}  ${name.padEnd(18)}${seconds.toFixed(1).padStart(7)} s`);
}
const total = (count: (outcome: Outcome) => number) => outcomes.reduce((sum, outcome) => sum + count(outcome), 0);
const failed = total((outcome) => outcome.failed);
console.log(`${total((outcome) => outcome.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** A check speaks only when it fails. */
function check({ name, script }: (typeof CHECKS)[number]): Outcome {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", script], {
    cwd: home,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = (performance.now() - start) / 1000;
  if (status === 0) {
    console.log(`${styleText("green", "passed")}  ${name} (${seconds.toFixed(1)} s)`);
    return { name, seconds, passed: 1, failed: 0 };
  }
  console.log(
    `${styleText("red", "FAILED")}  ${name} (${seconds.toFixed(1)} s; again with: npm run ${script})\n${stdout}${stderr}`,
  );
  return { name, seconds, passed: 0, failed: 1 };
}

/** The tests show themselves; their numbers are read from the report that Vitest writes beside. */
function test(): Outcome {
  const folder = mkdtempSync(path.join(tmpdir(), "mulgil-verify-"));
  const report = path.join(folder, "report.json");
  const start = performance.now();
  // Brokers start in half the time then. Where none can be had, the tests say so.
  spawnSync("npm", ["run", "--silent", "kafka:classes"], { cwd: home });
  const vitest = path.join(home, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  args.push(...process.argv.slice(2));
  const { status } = spawnSync(process.execPath, args, { cwd: home, stdio: "inherit" });
  const seconds = (performance.now() - start) / 1000;
  const { passed, failed } = counts(report);
  rmSync(folder, { recursive: true });
  // Vitest also fails for what is no test: a file that does not load, an error outside all tests.
  return { name: "tests", seconds, passed, failed: status === 0 ? failed : Math.max(failed, 1) };
}

function counts(report: string): { readonly passed: number; readonly failed: number } {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    // No report: Vitest itself broke, and has said so.
    return { passed: 0, failed: 1 };
  }
}
