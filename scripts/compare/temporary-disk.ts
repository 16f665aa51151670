import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { StateDisk } from "../../state/disk.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { onStopSignals } from "../run/stop-signals.ts";

/** A disk in a folder below TMPDIR, for its owner only, that is removed at the end: also after Ctrl-C, which aborts the signal, and after a second one. */
export async function onTemporaryDisk<T>(work: (disk: StateDisk, signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let folder: string | undefined;
  const detach = onStopSignals(
    () =>
      stop.abort(new MulgilError("interrupted: it has not been compared to the end", { code: "COMPARE_INTERRUPTED" })),
    () => folder && rmSync(folder, { recursive: true, force: true }),
  );
  try {
    folder = mkdtempSync(path.join(tmpdir(), "mulgil-compare-"));
    return await work(levelDisk(folder), stop.signal);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    detach();
  }
}
