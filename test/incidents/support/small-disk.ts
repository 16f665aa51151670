import { spawnSync } from "node:child_process";

/** How a process of its own mounts can be had here: as root, as nobody in particular, or by asking for it. */
const WAYS: readonly (readonly string[])[] = [
  ["unshare", "-m"],
  ["unshare", "-Urm"],
  ["sudo", "-n", "unshare", "-m"],
];

const works = ([command, ...args]: readonly string[]): boolean =>
  spawnSync(command!, [...args, "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"], { stdio: "ignore" })
    .status === 0;

/** Undefined if none works, with a line that says so; with CI=true that is an error. */
export function ownMounts(): readonly string[] | undefined {
  const way = WAYS.find(works);
  if (way !== undefined) return way;
  const why = "no small file system can be mounted here (unshare -m, unshare -Urm, sudo unshare -m)";
  if (process.env["CI"] === "true") throw new Error(why);
  console.warn(`skipped: ${why}`);
  return undefined;
}
