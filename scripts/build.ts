import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";

/** Compiles the package to dist/. It starts from nothing, so that a deleted source leaves no file behind. */
const home = path.resolve(import.meta.dirname, "..");
rmSync(path.join(home, "dist"), { recursive: true, force: true });
const compiler = path.join(home, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [compiler, "--project", "tsconfig.build.json"], {
  cwd: home,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
