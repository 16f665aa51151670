import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startJobs } from "mulgil";
import { expect, it } from "vitest";
import { hourlyTotals } from "./jobs.ts";

const DAY_MS = 86_400_000;

it("a start removes the state of tasks that is too old to be trusted", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "mulgil-stale-"));
  try {
    for (const [task, days] of [
      ["payments_0", 6],
      ["payments_1", 7],
    ] as const) {
      const at = new Date(Date.now() - days * DAY_MS);
      const store = join(dataDir, "state", "another", task, "store");
      await mkdir(store, { recursive: true });
      for (const folder of [store, join(store, "..")]) await utimes(folder, at, at);
    }
    // Its source is missing; what is old is gone before that is found.
    await expect(startJobs([hourlyTotals()], { dataDir, topics: "verify" })).rejects.toThrow("TOPIC_MISSING");
    expect(await readdir(join(dataDir, "state", "another"))).toEqual(["payments_0"]);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
