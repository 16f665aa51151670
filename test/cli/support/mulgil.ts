import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

export const REPOSITORY = path.resolve(import.meta.dirname, "../../..");
const LAUNCHER = path.join(REPOSITORY, "scripts", "mulgil");

export interface Outcome {
  /** Null if a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer;
  readonly launcher?: string;
  /** For hooks, which are no tests: whoever starts the command sees to its end. */
  readonly isLeftRunning?: boolean;
}

/** Runs a command to its end, as a user types it. */
export async function mulgil(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const command = startMulgil(args, { ...options, isLeftRunning: true });
  command.process.stdin.end(options.stdin ?? "");
  return command.ended;
}

/** A command that goes on. */
export interface RunningCommand {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it has printed so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<Outcome>;
  /** Resolves when what was printed so far fits; rejects if the command ends before. */
  until(isThere: (output: { readonly stdout: string; readonly stderr: string }) => boolean): Promise<void>;
}

/** Starts a command; if it still runs when the test is over, it is killed. */
export function startMulgil(args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const { FORCE_COLOR: _color, MULGIL_DATA_DIR: _folder, MULGIL_DEBUG: _debug, ...inherited } = process.env;
  // The profiles of whoever runs the tests are none of theirs.
  const MULGIL_PROFILES = path.join(options.cwd ?? tmpdir(), "mulgil-profiles.json");
  const child = spawn(options.launcher ?? LAUNCHER, args, {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...inherited, MULGIL_PROFILES, NO_COLOR: "1", ...options.env },
  });
  // A command may end without reading its input.
  child.stdin.on("error", () => undefined);
  const output = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, "close").then(([code, signal]): Outcome => ({ code, signal, ...output }));
  if (options.isLeftRunning !== true) {
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
    });
  }
  return {
    process: child,
    output,
    ended,
    until(isThere) {
      const seen = new Promise<void>((resolve) => {
        const look = () => {
          if (isThere(output)) resolve();
        };
        listeners.add(look);
        look();
      });
      const over = ended.then(({ code, signal }) => {
        if (!isThere(output))
          throw new Error(`the command ended (${code ?? signal}) before:\n${output.stdout}\n${output.stderr}`);
      });
      return Promise.race([seen, over]);
    },
  };
}

/** An empty folder that is gone after the test. */
export function temporaryFolder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), "mulgil-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  return folder;
}

/** The objects of NDJSON. */
export function objectsIn<T = Record<string, unknown>>(text: string): readonly T[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
