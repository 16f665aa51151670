import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** Environment variables that a profile sets, by name. */
export type Profile = Readonly<Record<string, string>>;

export interface Profiles {
  /** What commands use that name none. */
  readonly current?: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** MULGIL_PROFILES, else where the XDG base directory specification puts configuration. */
export function profilesFile(environment: NodeJS.ProcessEnv): string {
  const folder = environment["XDG_CONFIG_HOME"] || path.join(homedir(), ".config");
  return environment["MULGIL_PROFILES"] || path.join(folder, "mulgil", "profiles.json");
}

/** None if there is no file. @throws {MulgilError} PROFILES_FILE */
export function readProfiles(file: string): Profiles {
  const text = textOf(file);
  if (text === undefined) return { profiles: {} };
  try {
    const found = JSON.parse(text) as Partial<Profiles> | null;
    if (typeof found?.profiles === "object" && Object.values(found.profiles).every(isProfile)) return found as Profiles;
  } catch {
    // It is told below.
  }
  throw new MulgilError(
    `${file} is no file of profiles: mend it, or remove it and add the profiles again (mulgil profile add)`,
    { code: "PROFILES_FILE", context: { file } },
  );
}

/** Replaces the file as a whole; its owner alone may read it. */
export function writeProfiles(file: string, profiles: Profiles): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  renameSync(fresh, file);
}

/** @throws {MulgilError} PROFILE_UNKNOWN */
export function profileNamed({ profiles }: Profiles, name: string): Profile {
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(profiles).sort().join(", ");
  throw new MulgilError(`there is no profile "${name}": there is ${known === "" ? "none" : known}`, {
    code: "PROFILE_UNKNOWN",
  });
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const isProfile = (profile: unknown): boolean =>
  typeof profile === "object" && profile !== null && Object.values(profile).every((value) => typeof value === "string");
