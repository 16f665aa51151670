import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/**
 * `npm run lock` after every `npm install`: writes into package-lock.json the packages for other platforms that npm leaves out where a registry
 * does not offer them. Without their entries `npm ci` refuses the lock file everywhere.
 */
interface LockedPackage {
  readonly version: string;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const SYSTEMS = ["android", "darwin", "linux", "win32", "freebsd", "openharmony", "openbsd", "netbsd", "sunos", "aix"];
const PROCESSORS = ["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "wasm32"];

const file = path.resolve(import.meta.dirname, "..", "package-lock.json");
const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: Record<string, LockedPackage> };
const added: string[] = [];
for (const [owner, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const at = `node_modules/${name}`;
    if (at in lock.packages || `${owner}/${at}` in lock.packages) continue;
    lock.packages[at] = { version, ...(dev && { dev }), optional: true, ...platformOf(name) };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([left], [right]) => (left < right ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? "the lock file is complete" : `added ${added.join(", ")}`);

/** The platform that a package's name tells, as all that ship binaries name them. */
function platformOf(name: string): Partial<LockedPackage> {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  const libc = words.includes("musl") ? "musl" : os === "linux" && words.includes("gnu") ? "glibc" : undefined;
  return { ...(cpu && { cpu: [cpu] }), ...(os && { os: [os] }), ...(libc && { libc: [libc] }) };
}
