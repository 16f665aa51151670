import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Clock } from "../../time/clock.ts";
import { systemClock } from "../../time/system-clock.ts";
import { lockDirectory } from "./lock-directory.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Real, but three seconds of patience pass in a blink. */
const hasty: Clock = {
  ...systemClock,
  now: () => systemClock.now() * 20,
  sleep: (ms) => systemClock.sleep(ms / 20),
};

describe("lockDirectory", () => {
  it("refuses a second one, with the process that has it, until it is released", async () => {
    const nested = path.join(folder, "a", "data");
    const lock = await lockDirectory(nested, systemClock);
    expect((await stat(nested)).mode & 0o777).toBe(0o700);
    await expect(lockDirectory(nested, hasty)).rejects.toMatchObject({
      code: "DATA_DIR_LOCKED",
      message: expect.stringContaining(`in use by process ${process.pid}`),
    });
    await lock.release();
    await (await lockDirectory(nested, hasty)).release();
  });

  it("is free again when the process that had it was killed", async () => {
    const program = `
      import { lockDirectory } from ${JSON.stringify(path.join(import.meta.dirname, "lock-directory.ts"))};
      import { systemClock } from ${JSON.stringify(path.join(import.meta.dirname, "../../time/system-clock.ts"))};
      await lockDirectory(process.argv[1], systemClock);
      process.stdout.write("locked");
      setInterval(() => undefined, 1_000);`;
    const child = spawn(process.execPath, ["--conditions=mulgil-source", "--input-type=module", "-e", program, folder]);
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    await expect(lockDirectory(folder, hasty)).rejects.toMatchObject({
      message: expect.stringContaining(`in use by process ${child.pid}`),
    });
    child.kill("SIGKILL");
    await once(child, "close");
    await (await lockDirectory(folder, systemClock)).release();
  });

  it("says why a folder cannot be used", async () => {
    await mkdir(path.join(folder, "data"));
    await writeFile(path.join(folder, "data", "lock"), "a file in the way");
    await expect(lockDirectory(path.join(folder, "data"), hasty)).rejects.toMatchObject({ code: "DATA_DIR_UNUSABLE" });
  });
});
