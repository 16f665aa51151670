import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { levelDisk } from "./level-disk.ts";
import { removeStaleState } from "./stale-state.ts";

const HOUR_MS = 3_600_000;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mulgil-stale-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Sets back the times of a store's files, or of all but its log of changes. */
async function age(path: string, byMs: number, but: (name: string) => boolean = () => false) {
  const at = new Date(Date.now() - byMs);
  for (const name of await readdir(join(root, path))) if (!but(name)) await utimes(join(root, path, name), at, at);
  for (const folder of [path, path.slice(0, path.lastIndexOf("/"))]) await utimes(join(root, folder), at, at);
}

it("deletes the state of tasks that were not written for so long, and no other", async () => {
  const disk = levelDisk(root);
  for (const path of ["job/left_0/one", "job/kept_0/one", "job/mixed_0/one", "job/mixed_0/two"]) {
    const database = await disk.open(path);
    await database.write([{ key: Buffer.from("k"), value: Buffer.from("v") }]);
    await database.close();
  }
  await age("job/left_0/one", 2 * HOUR_MS);
  await age("job/kept_0/one", 2 * HOUR_MS, (name) => name.endsWith(".log"));
  await age("job/mixed_0/one", 2 * HOUR_MS);
  await removeStaleState(root, Date.now() - HOUR_MS);
  expect(await disk.list("job")).toEqual(["kept_0", "mixed_0"]);
  expect(await disk.list("job/mixed_0")).toEqual(["one", "two"]);
});

it("finds nothing where there is nothing", async () => {
  await removeStaleState(join(root, "none"), Date.now());
});
