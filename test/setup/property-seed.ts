import { execFileSync } from "node:child_process";
import fc from "fast-check";

/**
 * Property tests try other values at each commit, and the same ones whenever that commit is tested: what fails in one place fails in
 * another. `MULGIL_PROPERTY_SEED=<number>` tries others.
 */
fc.configureGlobal({ seed: Number(process.env["MULGIL_PROPERTY_SEED"] ?? seedOfCommit()) });

function seedOfCommit(): number {
  try {
    return Number.parseInt(
      execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: "pipe" }).slice(0, 7),
      16,
    );
  } catch {
    // A copy without a repository.
    return 1;
  }
}
