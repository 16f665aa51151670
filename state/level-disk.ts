import { mkdir, readdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Level } from "level";
import { assertRelativePath, planQuarantine, type StateDisk } from "./disk.ts";
import { headless, leftOut } from "./level-damage.ts";
import { openLevelDatabase } from "./level-database.ts";
import { corruptedError, diskError } from "./state-errors.ts";

const ownerOnly = 0o700;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * A disk of LevelDB directories below `root`, each for the owner only, each opened by one process at a time.
 * Writes are handed to the operating system without a sync: a killed process loses nothing, a machine that stops loses its last
 * writes and restores them from the changelog.
 */
export function levelDisk(root: string): StateDisk {
  const place = (path: string) => {
    assertRelativePath(path);
    return resolve(root, path);
  };

  const list = async (path: string) => {
    const directory = place(path);
    try {
      const entries = await readdir(directory, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
      throw diskError("read", directory, cause);
    }
  };

  return {
    async open(path) {
      const directory = place(path);
      try {
        await mkdir(directory, { recursive: true, mode: ownerOnly });
      } catch (cause) {
        throw diskError("open", directory, cause);
      }
      const loss = await headless(directory);
      if (loss !== undefined) throw corruptedError(directory, loss);
      const level = new Level<Buffer, Buffer>(directory, { keyEncoding: "buffer", valueEncoding: "buffer" });
      const database = await openLevelDatabase(level, directory, nextTurn);
      const damage = await leftOut(directory);
      if (damage === undefined) return database;
      await database.close();
      throw corruptedError(directory, damage);
    },

    async quarantine(path, reason) {
      const directory = place(path);
      const parent = dirname(directory);
      const above = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      const name = path.slice(path.lastIndexOf("/") + 1);
      const names = above === "" ? await readdir(root) : await list(above);
      const plan = planQuarantine(name, names);
      for (const old of plan.remove) await rm(join(parent, old), { recursive: true, force: true });
      await writeFile(join(directory, "QUARANTINE.txt"), `${reason}\n`);
      await rename(directory, join(parent, plan.target));
      return above === "" ? plan.target : `${above}/${plan.target}`;
    },

    async remove(path) {
      await rm(place(path), { recursive: true, force: true });
    },

    list,

    async space() {
      const { bavail, blocks, bsize } = await statfs(root);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },

    async sizeBytes(path) {
      const directory = place(path);
      const names = await readdir(directory).catch(() => []);
      // LevelDB removes files while it is open.
      const sizes = await Promise.all(
        names.map((name) =>
          stat(join(directory, name)).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    },
  };
}
